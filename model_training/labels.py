"""Phone tables that grow line by line: what is written stays, what was dropped is listed beside it with its reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from .corpora import Utterance
from .phones import Phone, read_phones
from .whole import write_whole

HEADER = "path\tphone\tstart_s\tend_s\n"


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
    """Those that `out` neither holds nor lists as dropped; a last one that was cut off is taken out of it again."""
    done = _finish_partial(out) | {line.split("\t")[0] for line in _lines(dropped_beside(out))}
    return [one for one in utterances if one.path not in done]


def write(results: Iterable[Labelled], out: Path, total: int, doing: str) -> Counter[str]:
    """Append the results to `out` as they come; returns how many were kept and why others were dropped."""
    outcome: Counter[str] = Counter()
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a", encoding="utf-8") as kept, dropped_beside(out).open("a", encoding="utf-8") as lost:
        if kept.tell() == 0:
            kept.write(HEADER)
        for one in tqdm(results, total=total, desc=doing, unit="line", disable=None):
            if one.reason:
                lost.write(f"{one.path}\t{one.reason}\n")
                lost.flush()
            kept.write("".join(f"{one.path}\t{p.name}\t{p.start_s:.3f}\t{p.end_s:.3f}\n" for p in one.phones))
            kept.flush()
            outcome["dropped: " + re.sub(r"['(].*", "", one.reason).strip() if one.reason else "kept"] += 1
    return outcome


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _finish_partial(out: Path) -> set[str]:
    """Paths that the file holds whole; the last one may be cut off by an interruption, so it is taken out again."""
    if not out.exists():
        return set()
    text = out.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1].splitlines()
    last = lines[-1].split("\t")[0] if len(lines) > 1 else ""
    whole = [line for line in lines if line.split("\t")[0] != last]
    write_whole(out, "".join(line + "\n" for line in whole))
    return set(read_phones(out)) if len(whole) > 1 else set()
