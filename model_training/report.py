"""One page about a training run: a single HTML file that needs nothing beside it and can be sent to anybody.

    python -m model_training.report --run runs/base

It shows what the run folder holds: run.json and losses.tsv from the training, score.json from
`evaluate --by folder sex pitch --json`, robustness.json from `robustness --json`, and worst/ from `worst --out`. What
is missing is said, with the command that makes it.
"""

from __future__ import annotations

import argparse
import base64
import csv
import html
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from addon.core.errors import quoted

from .command import finish
from .corpora import CorpusError
from .record import LOSSES, read, read_json
from .whole import write_whole

mpl.use("Agg")
from matplotlib import pyplot as plt

PEERS = {"viseme table on hand labels": 98.9, "the same on a forced alignment": 94.0, "phone recogniser": 72.6}
CURVE_STEPS = 400  # points of a loss curve at most, each the mean of those it stands for
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2733}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.2rem;border-bottom:1px solid #d5dce3}
table{border-collapse:collapse;font-size:13px;margin:.8rem 0}td,th{padding:.25rem .6rem;text-align:right}
td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#f3f6f8}th{border-bottom:1px solid #aab}
.score{font-size:2.4rem;font-weight:600}.missing{color:#8a5a00}img,svg{max-width:100%;height:auto}
pre{background:#f3f6f8;padding:.8rem;overflow:auto;font-size:12px}
"""
EVALUATE = "python -m model_training.evaluate --by folder sex pitch --json {run}/score.json ..."
ROBUSTNESS = "python -m model_training.robustness --json {run}/robustness.json ..."
WORST = "python -m model_training.worst --out {run}/worst ..."


def page(run: Path) -> str:
    """The whole page of a run folder, as HTML."""
    about = read(run)
    if not about:
        raise CorpusError(f"{quoted(run)} is no run folder: it holds no run.json, which model_training.train writes")
    name = str(about.get("config", {}).get("name", run.name))
    parts = [f"<h1>{html.escape(name)}</h1>", _facts(about), _losses(run / LOSSES)]
    parts += [_scores(run, read_json(run / "score.json")), _robustness(run, read_json(run / "robustness.json"))]
    parts += [_worst(run), _section("Config", f"<pre>{html.escape(json.dumps(about.get('config'), indent=2))}</pre>")]
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(name)}</title>'
    )
    return (
        f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{"".join(parts)}</body></html>'
    )


def _section(title: str, body: str) -> str:
    return f"<h2>{html.escape(title)}</h2>{body}"


def _missing(what: str, command: str, run: Path) -> str:
    return f'<p class="missing">{what}: <code>{html.escape(command.format(run=run))}</code></p>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _facts(about: Mapping[str, Any]) -> str:
    config = about.get("config", {}).get("train", {})
    parts = about.get("parts") or [about]  # runs of older code told of one part, and of less
    settings = ("seed", "steps", "batch", "batches_per_step", "learning_rate", "precision")
    rows = [("began from", parts[0].get("start") or "nothing")]
    rows += [(name.replace("_", " "), str(config.get(name, "unknown"))) for name in settings]
    return _table(("what", "value"), rows) + _table(
        ("steps", "minutes", "waiting", "code revision", "libraries", "device", "processes", "trained on"),
        [_part(part) for part in parts],
    )


def _part(part: Mapping[str, Any]) -> tuple[str, ...]:
    """One stretch of a training between two starts of the command."""
    shard, versions = part.get("shard", {}), part.get("versions", {"torch": part.get("torch", "unknown")})
    seconds = part.get("seconds", 0.0)
    return (
        f"{part.get('from_step', 0)} to {part.get('to_step', 'the last')}",
        f"{seconds / 60:.1f}",
        f"{part.get('waiting_s', 0.0) / max(seconds, 0.1):.0%}",
        str(part.get("revision", "unknown")),
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"{part.get('device', 'unknown')}, {part.get('system', 'unknown')}",
        str(part.get("processes", 1)),
        f"{shard.get('folder', 'unknown')}: {shard.get('lines', '?')} lines, {shard.get('hours', '?')} h",
    )


def _svg(draw: Callable[[Axes], None], height: float = 3.0) -> str:
    """A plot as an SVG that stands in the page itself."""
    figure, axis = plt.subplots(figsize=(8, height), layout="constrained")
    draw(axis)
    axis.spines[["top", "right"]].set_visible(False)
    drawn = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "facewright"}):  # the same run gives the same bytes
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    plt.close(figure)
    return drawn.getvalue()[drawn.getvalue().index("<svg") :]


def _losses(file: Path) -> str:
    if not file.exists():
        return _section("Losses", '<p class="missing">No losses.tsv: the training has not come to its tenth step.</p>')
    rows = [row for row in csv.reader(file.read_text(encoding="utf-8").splitlines(), delimiter="\t") if row]
    told = rows.pop(0)[1:] if rows and rows[0][0] == "step" else None
    try:
        table = np.array([[float(cell) for cell in row] for row in rows])
    except ValueError as error:
        why = "a row of losses is not all numbers; one that was cut off is mended when the training goes on"
        raise CorpusError(f"cannot read {quoted(file)}: {why}") from error
    if table.ndim != 2 or not len(table):
        return _section("Losses", '<p class="missing">losses.tsv is empty so far.</p>')
    names = told or [f"loss {number}" for number in range(1, table.shape[1])]
    if len(names) != table.shape[1] - 1:
        raise CorpusError(f"cannot read {quoted(file)}: its heading names other losses than its rows hold")
    groups = np.array_split(table, min(len(table), CURVE_STEPS))
    means = np.array([group.mean(axis=0) for group in groups])

    def draw(axis: Axes) -> None:
        for column, name in enumerate(names, start=1):
            axis.plot(means[:, 0], means[:, column], label=name, lw=1.2 if name != "total" else 2)
        axis.set(xlabel="step", ylabel="loss", yscale="log")
        axis.legend(fontsize=8, ncols=3)

    last = table[-max(len(table) // 20, 1) :].mean(axis=0)
    ending = _table(
        ("loss", "mean of the last twentieth"), [(n, f"{v:.4f}") for n, v in zip(names, last[1:], strict=True)]
    )
    return _section("Losses", _svg(draw) + ending)


def _scores(run: Path, result: Mapping[str, Any]) -> str:
    if not result:
        return _section("Articulation", _missing("Not scored yet", EVALUATE, run))
    parts = []
    for measure, scored in result.items():
        overall = scored["overall"]
        parts.append(f'<p>by {html.escape(measure)}: <span class="score">{overall["score"]:.1f}</span></p>')
        parts.append(_classes(overall))
        for kind, groups in scored["by"].items():
            parts.append(_groups(kind, groups))
    return _section("Articulation", _svg(lambda axis: _bars(axis, result)) + "".join(parts))


def _bars(axis: Axes, result: Mapping[str, Any]) -> None:
    ours = {f"this model, by {measure}": scored["overall"]["score"] for measure, scored in result.items()}
    names = [*ours, *PEERS]
    values = [*ours.values(), *PEERS.values()]
    axis.barh(names[::-1], values[::-1], color=["#b8c4ce"] * len(PEERS) + ["#1b4965"] * len(ours))
    axis.set(xlim=(0, 100), xlabel="articulation score; those below are of another test set")


def _classes(overall: Mapping[str, Any]) -> str:
    rows = [
        (
            kind,
            _points(one["score"]),
            _number(one["auc"], ".3f"),
            *(f"{one['f1'][ms]:.2f}" for ms in ("20", "40", "80")),
        )
        for kind, one in overall["classes"].items()
    ]
    moves = overall["motion"]
    facts = (
        f"{overall['takes']} takes, {overall['seconds'] / 60:.1f} min; best lag {overall['best_lag_ms']:+d} ms; "
        f"jitter {moves['jitter']:.3f}; {_points(moves['closures_sealed'])} % of closures seal, "
        f"{_points(moves['open_sealed'])} % of open vowels do; "
        f"at rest in {_points(moves['rest_in_silence'])} % of silence"
    )
    return _table(("class", "score", "AUC", "F1 20 ms", "F1 40 ms", "F1 80 ms"), rows) + f"<p>{html.escape(facts)}</p>"


def _groups(kind: str, groups: Mapping[str, Any]) -> str:
    shown = ("closure", "labiodental", "rounded", "open")
    rows = [
        (name, str(one["takes"]), f"{one['score']:.1f}", *(f"{one['classes'][s]['f1']['40']:.2f}" for s in shown))
        for name, one in groups.items()
    ]
    return _table((kind, "takes", "score", *(f"{name} F1" for name in shown)), rows)


def _robustness(run: Path, result: Mapping[str, Any]) -> str:
    if not result:
        return _section("In bad recordings", _missing("Not measured yet", ROBUSTNESS, run))
    conditions = result["conditions"]

    def draw(axis: Axes) -> None:
        axis.bar(list(conditions), [one["score"] for one in conditions.values()], color="#1b4965")
        axis.set(ylim=(0, 100), ylabel="articulation score")
        axis.tick_params(axis="x", rotation=30)

    nobody = [
        (one["noise"], f"{100 * one['together']:.0f} %", f"{one['widest_gap']:.3f}", one["most_moved"])
        for one in result["rest"]
    ]
    body = _svg(draw) + _groups("condition", conditions)
    rest = _table(("nobody speaks", "lips together", "widest gap", "moves most"), nobody) if nobody else ""
    return _section("In bad recordings", body + rest)


def _worst(run: Path) -> str:
    pictures = sorted((run / "worst").glob("worst_[0-9]*.png"), key=lambda file: (len(file.name), file.name))
    if not pictures:
        return _section("Worst lines", _missing("Not drawn yet", WORST, run))
    shown = []
    for picture in pictures:
        data = base64.b64encode(picture.read_bytes()).decode()
        shown.append(f'<p><img alt="{html.escape(picture.stem)}" src="data:image/png;base64,{data}"></p>')
    return _section("Worst lines", "".join(shown))


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _points(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.report", description="Write one page about a training run.")
    parser.add_argument("--run", type=Path, required=True, help="the run folder")
    parser.add_argument("--out", type=Path, help="the page (default: report.html in the run folder)")
    args = parser.parse_args(argv)
    out = args.out or args.run / "report.html"

    def work() -> str:
        try:
            whole = page(args.run)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise CorpusError(
                f"a result in {quoted(args.run)} is from another version ({error}): measure again"
            ) from error
        write_whole(out, whole)
        return f"written: {out}"

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
