"""How much of a score is luck: the mean and the spread of runs that differ in their seed alone.

for seed in 0 1 2; do
    python -m model_training.train    --config tiny.toml --shard prepared/tiny --out runs/seed$seed --seed $seed
    python -m model_training.export   --checkpoint runs/seed$seed/checkpoint.pt --out runs/seed$seed/it.onnx ...
    python -m model_training.evaluate --model runs/seed$seed/it.onnx --json runs/seed$seed/score.json ...
done
python -m model_training.seeds --runs runs/seed*
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from addon.core.errors import quoted

from . import config
from .command import finish
from .corpora import CorpusError
from .record import read, read_json

SAME_ANYHOW = ("train.seed", "train.workers", "train.threads")  # what may differ: it changes the luck, or nothing


def table(runs: Sequence[Path]) -> list[tuple[str, ...]]:
    """A heading, a row for each run, and one for the mean and standard deviation of each way of scoring."""
    if len(runs) < 2:
        raise CorpusError("a spread needs two runs or more: name them after --runs")
    _refuse_others(runs)
    scores = {run: _score(run) for run in runs}
    heading = ("run", "scored by", "score", "closure F1", "lip to teeth F1", "jitter")
    rows: list[tuple[str, ...]] = [heading]
    for measure in scores[runs[0]]:
        values = np.array([_figures(scores[run], measure, run) for run in runs])
        _refuse_other_lines(scores, measure)
        rows += [(run.name, measure, *_written(one)) for run, one in zip(runs, values, strict=True)]
        mean, spread = _written(values.mean(axis=0)), _written(values.std(axis=0, ddof=1))
        rows.append((f"mean of {len(runs)}", measure, *(f"{m} ± {s}" for m, s in zip(mean, spread, strict=True))))
    return rows


def _score(run: Path) -> dict[str, Any]:
    score = read_json(run / "score.json")
    if not score:
        raise CorpusError(f"{quoted(run)} holds no score.json: evaluate its model with --json {run / 'score.json'}")
    return score


def _figures(score: Mapping[str, Any], measure: str, run: Path) -> list[float]:
    try:
        overall = score[measure]["overall"]
        f1 = [overall["classes"][kind]["f1"]["40"] for kind in ("closure", "labiodental")]
        return [float(one) for one in (overall["score"], *f1, overall["motion"]["jitter"])]
    except (KeyError, TypeError) as error:
        raise CorpusError(
            f"the score of {quoted(run)} is not by {measure} as the first one's is: evaluate again"
        ) from error


def _refuse_other_lines(scores: Mapping[Path, Mapping[str, Any]], measure: str) -> None:
    """Raises where runs were scored on other lines: an easier folder would pass for luck."""
    first, *others = scores
    for run in others:
        one, other = (scores[which][measure]["overall"] for which in (first, run))
        if any(one.get(name) != other.get(name) for name in ("takes", "seconds")):
            raise CorpusError(f"{quoted(first)} and {quoted(run)} were not scored on the same lines: evaluate again")


def _written(figures: Sequence[float]) -> list[str]:
    return [format(figure, form) for figure, form in zip(figures, (".1f", ".3f", ".3f", ".3f"), strict=True)]


def _refuse_others(runs: Sequence[Path]) -> None:
    """Raises where the runs differ in more than their luck: what they differ in would pass for a spread."""
    first = read(runs[0]).get("config", {})
    for run in runs:
        made_by = read(run).get("config", {})
        if not made_by:
            raise CorpusError(
                f"{quoted(run)} is no run folder: it holds no run.json, which model_training.train writes"
            )
        other = config.differing(first, made_by, SAME_ANYHOW) + config.differing(_history(runs[0]), _history(run))
        if other:
            raise CorpusError(f"{quoted(runs[0])} and {quoted(run)} differ in more than the seed: {', '.join(other)}")
    seeds = [read(run)["config"]["train"]["seed"] for run in runs]
    if len(set(seeds)) < len(seeds):
        raise CorpusError(f"two of these runs have the same seed: {', '.join(map(str, seeds))}")


def _history(run: Path) -> dict[str, Any]:
    """What a run.json tells beside the config that a seed does not explain: from where, on what, and how far."""
    parts = read(run).get("parts") or [{}]
    learnt_from = {part.get("shard", {}).get("lines_sha256") for part in parts}
    return {"start": parts[0].get("start"), "shard": learnt_from, "steps trained": parts[-1].get("to_step")}


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.seeds", description="Show how far runs' scores are apart.")
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="run folders that differ in their seed")
    args = parser.parse_args(argv)

    def work() -> str:
        try:
            rows = table(args.runs)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise CorpusError(f"a run.json or score.json is from another version ({error}): measure again") from error
        return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ("---",) * len(rows[0]), *rows[1:]])

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
