"""The lines that a model articulates worst, as pictures: what it did, what the teacher would, and the phones.

    python -m model_training.worst --model base.onnx --corpus speech.tsv --phones phones.tsv --folders ljspeech \
        --count 6 --out worst

Each line is scored by itself. worst.tsv lists all of them, worst first; a picture shows the second and a half of a line
in which the mouth is furthest from the teacher's.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
import warnings
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from addon.core.curves import Curves, lip_gap
from addon.core.errors import FormatError, quoted, reason

from . import corpora
from .command import finish, whole_number
from .evaluate import Spoken, add_system_options, chosen_system, run, spoken_lines, teacher_system
from .phones import Phone, read_phones
from .robustness import even
from .score import Score, articulation_score, linear_signals
from .whole import make_room, write_whole

mpl.use("Agg")
from matplotlib import pyplot as plt

SHOWN = ("lips apart", "lip to teeth", "rounding", "spread")
SHOWN_S = 1.5
SEALS, TEETH, ROUNDS = ("m", "b", "p"), ("f", "v"), ("w", "uw", "ow", "er", "sh", "ch", "jh", "zh")
COLOURS = {**dict.fromkeys(SEALS, "#d1495b"), **dict.fromkeys(TEETH, "#edae49"), **dict.fromkeys(ROUNDS, "#00798c")}
DPI = 80  # keeps a picture below 100 kB


class Judged(NamedTuple):
    """A line, what the system made of it, and its score."""

    line: Spoken
    curves: Curves
    score: Score


def judge(takes: Sequence[tuple[Spoken, Curves]]) -> list[Judged]:
    """Every take with a score of its own, the worst first."""
    judged = [Judged(line, curves, articulation_score([(line.phones, curves)])) for line, curves in takes]
    return sorted(judged, key=lambda one: one.score.score)


def signals_of(curves: Curves) -> dict[str, npt.NDArray[np.float64]]:
    """The four signals that a picture shows, (T,) each."""
    linear = linear_signals(curves)
    shown = (lip_gap(curves).astype(np.float64), linear["labiodental"], linear["rounding"], linear["spread"])
    return dict(zip(SHOWN, shown, strict=True))


def draw(one: Judged, file: Path) -> None:
    """Writes the picture of a line's worst stretch."""
    phones = one.line.phones
    teacher = teacher_system()(0, [one.line])
    given, wanted = signals_of(one.curves), signals_of(teacher)
    grid_s = np.arange(0, one.line.duration_s, 0.02)
    on_grid = [
        {name: np.interp(grid_s, np.arange(len(s)) / curves.rate, s) for name, s in signals.items()}
        for curves, signals in ((one.curves, given), (teacher, wanted))
    ]
    first_s = _worst_stretch(grid_s, *on_grid)
    figure, axes = plt.subplots(len(SHOWN), 1, figsize=(9, 5), sharex=True, layout="constrained")
    for axis, name in zip(axes, SHOWN, strict=True):
        for phone in phones:
            if phone.end_s > first_s and phone.start_s < first_s + SHOWN_S:
                axis.axvspan(phone.start_s, phone.end_s, color=COLOURS.get(phone.name, "none"), alpha=0.25, lw=0)
        axis.plot(grid_s, on_grid[1][name], color="#999999", label="teacher")
        axis.plot(grid_s, on_grid[0][name], color="#1b4965", label="model")
        axis.set_ylabel(name, fontsize=8)
        axis.tick_params(labelsize=7)
    _write_phones(axes[0], phones, first_s)
    axes[0].set_xlim(first_s, first_s + SHOWN_S)
    axes[-1].set_xlabel("s; red: m b p, yellow: f v, green: rounded sounds", fontsize=8)
    axes[0].legend(fontsize=7, loc="upper right")
    title = textwrap.wrap(f"{one.line.utterance.path}: {one.score.score:.0f} points for the whole line", 120)
    figure.suptitle("\n".join(title), fontsize=9, parse_math=False)
    drawn = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the font lacks some letters of a name; worst.tsv has them
        figure.savefig(drawn, dpi=DPI, format="png")
    plt.close(figure)
    write_whole(file, drawn.getvalue())


def _write_phones(axis: Axes, phones: Sequence[Phone], first_s: float) -> None:
    for phone in phones:
        middle_s = (phone.start_s + phone.end_s) / 2
        if first_s < middle_s < first_s + SHOWN_S and phone.name != "sil":
            place = axis.get_xaxis_transform()
            axis.text(middle_s, 1.02, phone.name, transform=place, ha="center", fontsize=8, parse_math=False)


def _worst_stretch(
    grid_s: npt.NDArray[np.float64],
    given: dict[str, npt.NDArray[np.float64]],
    wanted: dict[str, npt.NDArray[np.float64]],
) -> float:
    """Where the SHOWN_S begin in which the two differ most, in seconds."""
    apart = np.sum([np.abs(given[name] - wanted[name]) / (wanted[name].std() + 0.02) for name in SHOWN], axis=0)
    rows = min(round(SHOWN_S / 0.02), len(apart))
    total = np.convolve(apart, np.ones(rows), mode="valid")
    return float(grid_s[int(np.argmax(total))])


def show(args: argparse.Namespace) -> str:
    """Scores the lines, writes the list and the pictures; returns what it found."""
    utterances = corpora.select(corpora.read(args.corpus), args.folders)
    lines, outcome = spoken_lines(utterances, read_phones(args.phones))
    lines = even(lines, args.lines)
    make_room(args.out / "worst.tsv")
    takes = [(line, take.curves) for line, take in run(chosen_system(args), lines, Counter(outcome))]
    judged = judge(takes)
    try:
        rows = ["path\tspeaker\tscore\tclosure_f1\ttext"]
        for one in judged:
            who = one.line.utterance
            closure = one.score.classes["closure"].f1["40"]
            rows.append(f"{who.path}\t{who.speaker}\t{one.score.score:.1f}\t{closure:.2f}\t{who.text}")
        write_whole(args.out / "worst.tsv", "\n".join(rows) + "\n")
        for earlier in args.out.glob("worst_[0-9]*.png"):
            earlier.unlink()
        for place, one in enumerate(judged[: args.count], start=1):
            draw(one, args.out / f"worst_{place}.png")
    except OSError as error:
        raise FormatError(f"cannot write to {quoted(args.out)} ({reason(error)}): choose another folder") from error
    scores = [one.score.score for one in judged]
    low, middle, high = np.percentile(scores, [5, 50, 95])
    return (
        f"{len(judged)} lines: 5 % score below {low:.0f}, half below {middle:.0f}, 5 % above {high:.0f}; see {args.out}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.worst", description="Show the lines that a model does worst.")
    add_system_options(parser)
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus table")
    parser.add_argument("--phones", type=Path, required=True, help="phone times from model_training.align")
    parser.add_argument("--folders", nargs="*", default=(), help="only these folders of the corpus")
    parser.add_argument("--lines", type=whole_number, default=60, help="lines a folder, speakers in turn; 0 takes all")
    parser.add_argument("--count", type=whole_number, default=6, help="how many pictures")
    parser.add_argument("--out", type=Path, required=True, help="folder for worst.tsv and the pictures")
    return finish(lambda: show(parser.parse_args(argv)))


if __name__ == "__main__":
    sys.exit(main())
