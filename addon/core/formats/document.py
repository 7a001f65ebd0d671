"""JSON files, read once: which format they are is in them, not in their name. And how their rows are written."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from ..curves import LARGEST, Array, are_sane
from ..errors import FormatError, quoted, reason
from .timecode import LATEST_S
from .timing import FASTEST, SLOWEST

Document = dict[str, Any]
DECIMALS = 6


def write_rows(file: TextIO, values: Array) -> None:
    """Each row as a list on a line of its own, values to six digits; the brackets round them are the caller's."""
    for index, row in enumerate(values):
        numbers = ", ".join(f"{value:.{DECIMALS}g}" for value in row.tolist())
        file.write(f"{',' if index else ''}\n[{numbers}]")


def load(path: Path) -> Document:
    """The object that a JSON file holds."""
    try:
        table = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FormatError(f"{quoted(path)} cannot be read: {reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(
            f"{quoted(path)} is not a Facewright curve file, nor one of Audio2Face: {reason(error)}"
        ) from error
    if not isinstance(table, dict):
        raise FormatError(f"{quoted(path)} is not a Facewright curve file, nor one of Audio2Face: it holds no object")
    return table


def numbers(path: Path, rows: Any, width: int, kind: str) -> Array:
    """Rows of numbers, (T, width); a FormatError names the first that is none, or of another length."""
    if not isinstance(rows, list):
        raise FormatError(f"{quoted(path)} is not {kind}: its rows are no list")
    for index, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            count = len(row) if isinstance(row, list) else "no"
            raise FormatError(f"{quoted(path)}, row {index + 1}: {count} values for {width} names")
        if not set(map(type, row)) <= {int, float}:
            wrong = next(value for value in row if type(value) not in (int, float))
            raise FormatError(f"{quoted(path)} is not {kind}: row {index + 1} holds {quoted(wrong)}, not a number")
    try:
        with np.errstate(over="ignore"):
            values = np.array(rows, np.float32).reshape(-1, width)
    except OverflowError as error:
        raise FormatError(f"{quoted(path)} is not {kind}: {reason(error)}") from error
    if not are_sane(values):
        raise FormatError(f"{quoted(path)} holds a value that is not a number, or beyond {LARGEST:g}")
    return values


def names(path: Path, given: Any, kind: str) -> tuple[str, ...]:
    """The names of the columns; a FormatError if there are none, or they repeat."""
    is_list = isinstance(given, Sequence) and not isinstance(given, str)
    if not is_list or not given or not all(isinstance(name, str) for name in given):
        raise FormatError(f"{quoted(path)} is not {kind}: it names no channels")
    if twice := [name for name, count in Counter(given).items() if count > 1]:
        raise FormatError(f"{quoted(path)} names {quoted(twice[0])} twice")
    if wrong := [name for name in given if re.search("[\0\ud800-\udfff]", name)]:  # halves of letters, too
        raise FormatError(f"{quoted(path)} names {quoted(wrong[0])}, which is no text; rename it")
    return tuple(given)


def positive(path: Path, value: Any, what: str) -> float:
    """A rate of frames; a FormatError if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not SLOWEST <= value <= FASTEST:
        limits = f"{SLOWEST:g} to {FASTEST:g}"
        raise FormatError(f"{quoted(path)}: {what} must be frames a second, {limits}, not {quoted(value)}")
    return float(value)


def moment(path: Path, value: Any) -> float:
    """The time of day of the first row; a FormatError if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LATEST_S:
        raise FormatError(f"{quoted(path)}: start_s must be seconds after midnight, not {quoted(value)}")
    return float(value)
