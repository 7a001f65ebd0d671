"""Curves as plain JSON: one row a line, for tools of one's own."""

from __future__ import annotations

import json
from pathlib import Path

from ..curves import Curves, resample
from ..errors import FormatError, quoted
from ..whole import written_whole
from . import document
from .recording import Recording

RATE = 50.0  # the model's own: nothing is resampled unless asked
CARRIED = None  # every name
KIND = "facewright-curves"
SCHEMA = 1
WHAT = "a Facewright curve file"


def write(path: Path, curves: Curves, rate: float = RATE, start_s: float | None = None) -> None:
    """Writes {"kind", "schema", "rate", "start_s", "names", "values": [[row], ...]}, values to six digits.

    `start_s` is the time of day of the first row, in seconds, and left out where it is not known.
    """
    sampled = resample(curves, rate)
    head = {"kind": KIND, "schema": SCHEMA, "rate": sampled.rate, "names": list(sampled.names)}
    head |= {} if start_s is None else {"start_s": start_s}
    with written_whole(path) as file:
        file.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "values": [')
        document.write_rows(file, sampled.values)
        file.write("\n]}\n")


def read(path: Path, rate: float | None = None) -> Recording:
    """Curves from such a file; `rate` counts only for formats that may not know theirs."""
    return parse(path, document.load(path), rate)


def parse(path: Path, table: document.Document, _rate: float | None = None) -> Recording:
    """Curves from what such a file holds."""
    if table.get("kind") != KIND or table.get("schema") != SCHEMA:
        raise FormatError(f"{quoted(path)} is not a Facewright curve file of schema {SCHEMA}, nor one of Audio2Face")
    names = document.names(path, table.get("names"), WHAT)
    values = document.numbers(path, table.get("values"), len(names), WHAT)
    curves = Curves(values, names, document.positive(path, table.get("rate"), "rate"))
    start_s = table.get("start_s")
    return Recording(curves, None if start_s is None else document.moment(path, start_s))
