"""Where two tables of phone times agree: how far apart they put the same boundaries, by line and over all.

    python -m model_training.agreement --phones phones.tsv --against published.tsv --folders ljspeech --out lines.tsv

A boundary is the onset of a phone that follows another without a pause. Lines may be pronounced differently in the two;
then only onsets are compared whose phone, and the one before it, are the same in both. Aligners differ by a constant
(the middle of a frame, or its beginning), so the median difference is told apart and taken out of what follows it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import corpora
from .command import finish
from .phones import Phone, read_phones
from .whole import write_whole

Floats = npt.NDArray[np.float64]

LIPS = ("p", "b", "m")
NEAR_MS = (15, 25, 50)  # times on a grid of 10 ms lie exactly 20 ms apart too often for that to say much


@dataclass(frozen=True)
class Boundaries:
    """The boundaries that two labellings of a line share: onsets in both, (K,), and what sets in."""

    one_s: Floats
    other_s: Floats
    names: tuple[str, ...]

    @property
    def apart_s(self) -> Floats:
        """How much later the first labelling has each."""
        return self.one_s - self.other_s

    def of(self, names: Iterable[str]) -> Boundaries:
        """Only those where one of these phones sets in."""
        chosen = np.isin(self.names, list(names)) if self.names else np.zeros(0, np.bool_)
        kept = tuple(name for name, keep in zip(self.names, chosen, strict=True) if keep)
        return Boundaries(self.one_s[chosen], self.other_s[chosen], kept)

    def within(self, seconds: float, shift_s: float = 0.0) -> float:
        """The share that lies at most so far apart once shift_s is taken out; of none at all it is 1."""
        near = np.abs(self.apart_s - shift_s) <= seconds
        return float(near.mean()) if len(near) else 1.0


def shared(one: Sequence[Phone], other: Sequence[Phone]) -> Boundaries:
    """The boundaries that two labellings of a line have in common."""
    first, second = _spoken(one), _spoken(other)
    matcher = SequenceMatcher(None, [p.name for p, _ in first], [p.name for p, _ in second], autojunk=False)
    pairs = [
        (first[block.a + at], second[block.b + at])
        for block in matcher.get_matching_blocks()
        for at in range(1, block.size)
    ]
    inner = [(a, b) for (a, joined), (b, joined_too) in pairs if joined and joined_too]
    times = np.array([(a.start_s, b.start_s) for a, b in inner], np.float64).reshape(-1, 2)
    return Boundaries(times[:, 0], times[:, 1], tuple(a.name for a, _ in inner))


def _spoken(phones: Sequence[Phone]) -> list[tuple[Phone, bool]]:
    """The phones without the pauses, and whether each follows another without one."""
    after_phone = [at > 0 and phones[at - 1].name != "sil" for at in range(len(phones))]
    return [(phone, joined) for phone, joined in zip(phones, after_phone, strict=True) if phone.name != "sil"]


def together(lines: Iterable[Boundaries]) -> Boundaries:
    """The boundaries of all lines in one."""
    every = list(lines)
    return Boundaries(
        np.concatenate([np.zeros(0), *(line.one_s for line in every)]),
        np.concatenate([np.zeros(0), *(line.other_s for line in every)]),
        tuple(name for line in every for name in line.names),
    )


def table(lines: Mapping[str, Boundaries]) -> str:
    """What the two labellings make of each other, as Markdown: all boundaries, and the onsets of p, b and m."""
    every = together(lines.values())
    shift_s = float(np.median(every.apart_s)) if len(every.names) else 0.0
    near = " | ".join(f"within {ms} ms" for ms in NEAR_MS)
    rows = [f"| onsets | count | shift ms | median ms | mean ms | {near} |", "|---" * (5 + len(NEAR_MS)) + "|"]
    for what, some in (("all", every), (" ".join(LIPS), every.of(LIPS))):
        if not some.names:
            continue
        off_ms = 1000 * np.abs(some.apart_s - shift_s)
        shares = " | ".join(f"{100 * some.within(ms / 1000, shift_s):.1f} %" for ms in NEAR_MS)
        rows.append(
            f"| {what} | {len(some.names)} | {1000 * np.median(some.apart_s):+.1f} "
            f"| {np.median(off_ms):.1f} | {off_ms.mean():.1f} | {shares} |"
        )
    return "\n".join(rows)


def write_lines(out: Path, lines: Mapping[str, Boundaries]) -> None:
    """One row a line, those that agree least first; what all have in common is not taken out of a line."""
    ranked = sorted(lines.items(), key=lambda item: (item[1].within(0.05), item[0]))
    near = "\t".join(f"within_{ms}_ms" for ms in NEAR_MS)
    rows = [f"path\tboundaries\t{near}\n"]
    for path, line in ranked:
        shares = "\t".join(f"{line.within(ms / 1000):.3f}" for ms in NEAR_MS)
        rows.append(f"{path}\t{len(line.names)}\t{shares}\n")
    write_whole(out, "".join(rows))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="model_training.agreement", description="Compare two tables of phone times of the same speech."
    )
    parser.add_argument("--phones", type=Path, required=True, help="phone times, a TSV")
    parser.add_argument("--against", type=Path, required=True, help="other phone times of the same lines")
    parser.add_argument("--folders", nargs="*", default=(), help="only lines whose path begins with these folders")
    parser.add_argument("--out", type=Path, help="write how far each line agrees there, a TSV")
    args = parser.parse_args(argv)

    def work() -> str:
        one, other = read_phones(args.phones), read_phones(args.against)
        corpora.refuse_unknown(args.folders, one, "to compare", repr(str(args.phones)))
        both = [p for p in one if p in other and (not args.folders or corpora.folder_of(p) in args.folders)]
        if not both:
            raise corpora.CorpusError("the two tables have no line in common: do their paths begin in the same folder?")
        lines = {path: shared(one[path], other[path]) for path in both}
        if args.out:
            write_lines(args.out, lines)
        return f"{len(both)} lines in both\n\n{table(lines)}"

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
