"""Corpus tables: a TSV with one utterance a row, in columns that anybody can write for their own recordings.

Columns: path (relative to the table), seconds, speaker, language (BCP 47, such as en-US), licence (SPDX where there is
one) and text. An empty text is allowed: such an utterance cannot be aligned, and is listed as dropped.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from addon.core.errors import FacewrightError, quoted, reason

COLUMNS = ("path", "seconds", "speaker", "language", "licence", "text")


class CorpusError(FacewrightError):
    """A corpus table, or what training made of it, that the user can mend."""


@dataclass(frozen=True)
class Utterance:
    """One recorded line: path is as the table names it, file is where it lies."""

    path: str
    file: Path
    seconds: float
    speaker: str
    language: str
    licence: str
    text: str

    @property
    def folder(self) -> str:
        """The first folder of the path: which of the table's collections the line belongs to."""
        return folder_of(self.path)


def read(table: Path) -> list[Utterance]:
    """Every row of a corpus table, in its order; a missing column, a bad number or a path twice is an error."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(
            f"cannot read the corpus table {quoted(table)} ({reason(error)}): give a UTF-8 TSV file"
        ) from error
    if not rows:
        raise CorpusError(f"the corpus table {quoted(table)} has no rows: its columns are {', '.join(COLUMNS)}")
    missing = [name for name in COLUMNS if name not in rows[0]]
    if missing:
        raise CorpusError(
            f"the corpus table {quoted(table)} lacks the column {missing[0]!r}: see model_training/README.md"
        )
    utterances = [_utterance(row, line, table) for line, row in enumerate(rows, start=2)]
    path, count = Counter(u.path for u in utterances).most_common(1)[0]
    if count > 1:
        raise CorpusError(f"the corpus table {quoted(table)} names {path!r} {count} times: keep one row a file")
    return utterances


def _utterance(row: dict[str, Any], line: int, table: Path) -> Utterance:
    try:
        seconds = float(row["seconds"])
    except (TypeError, ValueError):
        seconds = float("nan")
    if not 0 < seconds < math.inf or not row["path"]:
        raise CorpusError(
            f"{quoted(table)} line {line}: 'path' and a positive 'seconds' are needed, found {row['seconds']!r}"
        )
    if None in (row["speaker"], row["language"], row["licence"]):
        raise CorpusError(f"{quoted(table)} line {line} is cut off: its columns are {', '.join(COLUMNS)}")
    text = (row["text"] or "").strip()
    return Utterance(
        row["path"], table.parent / row["path"], seconds, row["speaker"], row["language"], row["licence"], text
    )


def folder_of(path: str) -> str:
    """The first folder of a path in a table: which of its collections a line belongs to; empty if there is none."""
    return path.split("/")[0] if "/" in path else ""


def refuse_unknown(
    folders: Iterable[str], paths: Iterable[str], wanted: str = "to keep out", table: str = "the corpus"
) -> None:
    """Raises if none of a table's paths lies in one of these folders, which were `wanted`."""
    known = sorted({folder_of(path) for path in paths})
    unknown = next((name for name in folders if name not in known), None)
    if unknown is not None:
        raise CorpusError(f"{table} has no folder {unknown!r} {wanted}: known are {', '.join(known)}")


def select(
    utterances: Sequence[Utterance], folders: Sequence[str] = (), languages: Sequence[str] = (), limit: int = 0
) -> list[Utterance]:
    """Those of the named folders and language prefixes (none named: all), cut to `limit` a folder where that is set.

    A folder that none of them lies in is an error.
    """
    refuse_unknown(folders, (one.path for one in utterances), "to choose")
    taken: Counter[str] = Counter()
    kept = []
    for utterance in utterances:
        if folders and utterance.folder not in folders:
            continue
        if languages and not utterance.language.startswith(tuple(languages)):
            continue
        taken[utterance.folder] += 1
        if not limit or taken[utterance.folder] <= limit:
            kept.append(utterance)
    return kept
