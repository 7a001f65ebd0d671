"""Curves as plain JSON: one row a line, for tools of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..curves import Curves, resample
from ..errors import FormatError, quoted
from .whole import written_whole

RATE = 50.0  # the model's own: nothing is resampled unless asked
KIND = "facewright-curves"
SCHEMA = 1
DECIMALS = 6


def write(path: Path, curves: Curves, rate: float = RATE) -> None:
    """Writes {"kind", "schema", "rate", "names", "values": [[row], ...]}, values to six decimals."""
    sampled = resample(curves, rate)
    head = {"kind": KIND, "schema": SCHEMA, "rate": sampled.rate, "names": list(sampled.names)}
    with written_whole(path) as file:
        file.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "values": [')
        for index, row in enumerate(sampled.values):
            numbers = ", ".join(f"{value:.{DECIMALS}g}" for value in row.tolist())
            file.write(f"{',' if index else ''}\n[{numbers}]")
        file.write("\n]}\n")


def read(path: Path) -> Curves:
    """Curves from such a file."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if table["kind"] != KIND or table["schema"] != SCHEMA:
            raise FormatError(f"{quoted(path)} is not a Facewright curve file of schema {SCHEMA}")
        names = tuple(str(name) for name in table["names"])
        values = np.array(table["values"], np.float32).reshape(-1, len(names))
        if not np.isfinite(values).all():
            raise FormatError(f"{quoted(path)} holds a value that is not a number")
        return Curves(values, names, float(table["rate"]))
    except OSError as error:
        raise FormatError(f"{quoted(path)} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{quoted(path)} is not a Facewright curve file: {' '.join(str(error).split())}") from error
