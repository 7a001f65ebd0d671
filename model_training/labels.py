"""Phone tables that grow line by line: what is written stays, what was dropped is listed beside it with its reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from addon.core.errors import quoted

from .corpora import CorpusError, Utterance
from .phones import COLUMNS, HEADER, Phone, rows_of_table
from .whole import write_whole


@dataclass(frozen=True)
class Labelled:
    """The outcome for one utterance: its phones, or the reason why there are none."""

    path: str
    phones: tuple[Phone, ...] = ()
    reason: str = ""


def dropped_beside(out: Path) -> Path:
    """The file that lists what `out` does not hold, and why."""
    return out.with_suffix(".dropped.tsv")


def unwritten(utterances: Sequence[Utterance], out: Path) -> list[Utterance]:
    """Those that `out` does not hold; a last one that was cut off is taken out of it again.

    What was dropped is among them: its text may have been mended since. It is listed anew where it is dropped again.
    """
    done = _finish_partial(out, {one.path for one in utterances})
    todo = [one for one in utterances if one.path not in done]
    again, lost = {one.path for one in todo}, dropped_beside(out)
    if lost.exists():
        kept = (line for line in _whole(lost) if line.split("\t")[0] not in again)
        write_whole(lost, "".join(line + "\n" for line in kept))
    return todo


def write(results: Iterable[Labelled], out: Path, total: int, doing: str) -> Counter[str]:
    """Append the results to `out` as they come; returns how many were kept and why others were dropped."""
    outcome: Counter[str] = Counter()
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        out.open("a", encoding="utf-8", newline="") as kept,
        dropped_beside(out).open("a", encoding="utf-8", newline="") as lost,
    ):
        if kept.tell() == 0:
            kept.write(HEADER)
        for one in tqdm(_told(results), total=total, desc=doing, unit="line", disable=None):
            if one.reason:
                lost.write(f"{one.path}\t{one.reason}\n")
                lost.flush()
            kept.write(rows_of_table(one.path, one.phones))
            kept.flush()
            outcome["dropped: " + re.sub(r"['(].*", "", one.reason).strip() if one.reason else "kept"] += 1
    return outcome


def _told(results: Iterable[Labelled]) -> Iterator[Labelled]:
    try:
        yield from results
    except BrokenProcessPool as error:
        told = "a process that aligns has died, as when memory runs out: give fewer --workers, and go on"
        raise CorpusError(told) from error


def _whole(file: Path) -> list[str]:
    """The lines of a file, without one that was cut off."""
    text = file.read_text(encoding="utf-8", errors="replace")  # it may be cut off within a letter
    return text.split("\n")[:-1]  # not splitlines: a path may hold what Unicode calls a line's end


def _finish_partial(out: Path, asked: Collection[str]) -> set[str]:
    """Paths that the file holds whole; the last one may be cut off by an interruption, so it is taken out again.

    Unless it is not asked for, and would be missing. A table without bursts gets the column for them.
    """
    if not out.exists() or HEADER.encode().startswith(out.read_bytes()):
        out.unlink(missing_ok=True)
        return set()
    heading, *rows = _whole(out) or [""]
    if tuple(heading.split("\t")) not in (COLUMNS, COLUMNS[:-1]):
        raise CorpusError(f"{quoted(out)} is no table of phone times that goes on: choose another file")
    last = rows[-1].split("\t")[0] if rows else ""
    whole = [row for row in rows if row.split("\t")[0] != last or last not in asked]
    cells = len(COLUMNS) - 1
    write_whole(out, HEADER + "".join(row + "\t" * (cells - row.count("\t")) + "\n" for row in whole))
    return {row.split("\t")[0] for row in whole}
