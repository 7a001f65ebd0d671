"""The ledger of a batch: one JSON row a line, appended when a sound is through; what a later run goes by."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass
from io import RawIOBase
from pathlib import Path

from ..core.errors import FormatError, quoted, reason
from ..core.whole import check_writable

NAME = "ledger.jsonl"
BEGINNING = b'{"path": "'  # of every row
DONE, FAILED, SKIPPED = STATUSES = ("done", "failed", "skipped")


@dataclass(frozen=True)
class Row:
    """What became of one sound; names are relative to the batch's two folders, with forward slashes."""

    path: str
    status: str  # done, failed or skipped
    reason: str = ""  # one line: why not done, or what was amiss though it was
    seconds: float = 0.0
    output: str = ""  # empty if failed
    output_sha256: str = ""  # of the output as it was written, so that one changed since is known
    key: str = ""  # sha256 over all that decides the output: the same key need not be worked out again


def encode(row: Row) -> str:
    """The row as one line of JSON, in ASCII: a file's name may hold what no encoding of text can."""
    return json.dumps(asdict(row)) + "\n"


def decode(line: str | bytes) -> Row:
    """The row of such a line; a ValueError if it is none."""
    try:
        row = Row(**json.loads(line))
        hash(row)  # no list where a name should be
    except (TypeError, RecursionError) as error:
        raise ValueError(f"not a row: {error}") from error
    return row


def mend(path: Path) -> dict[str, Row]:
    """The last row of every output that was made, by output; a half-written last line is cut off the file.

    A last row that lacks nothing but its line's end, as editors and a full disk leave it, is given that.
    """
    check_writable(path)
    made: dict[str, Row] = {}
    if not path.exists():
        return made
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{quoted(path)} cannot be read: {reason(error)}") from error
    *lines, rest = content.split(b"\n")
    is_half, is_whole = _is_half(rest), _is_row(rest)
    for number, line in enumerate(lines if is_half and not is_whole else [*lines, rest], 1):
        try:
            row = decode(line)
        except ValueError as error:
            raise FormatError(
                f"line {number} of {quoted(path)} is not a row of a batch; move it and the takes away to begin anew"
            ) from error
        if row.status != FAILED:
            made[row.output] = row
    if is_whole:
        with path.open("ab", buffering=0) as file:
            _put(file, b"\n")
    elif rest:
        with path.open("r+b") as file:
            file.truncate(len(content) - len(rest))
    return made


def _is_row(line: bytes) -> bool:
    try:
        decode(line)
    except ValueError:
        return False
    return True


def _is_half(line: bytes) -> bool:
    """Whether a kill or a power cut may have left it of a row; what begins otherwise is somebody's own."""
    return BEGINNING.startswith(line[: len(BEGINNING)]) or not line.strip(b"\0 \t\r")


def append(file: RawIOBase, row: Row) -> None:
    """Adds a row, in one write, to the ledger opened without a buffer: it outlives this process, and is whole."""
    _put(file, encode(row).encode("ascii"))


def _put(file: RawIOBase, data: bytes) -> None:
    try:
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise FormatError(f"the ledger cannot be written: {reason(error)}; make room and run it again") from error
