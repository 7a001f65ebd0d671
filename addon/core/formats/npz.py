"""Curves as NumPy's .npz, for scripts: values, names, rate and start_s; nothing in it is pickled."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from ..archive import DAMAGE, check_packing
from ..curves import LARGEST, Array, Curves, are_sane, resample
from ..errors import FormatError, quoted, reason
from ..whole import bytes_written_whole
from . import document
from .recording import Recording

RATE = 50.0  # the model's own: nothing is resampled unless asked
CARRIED = None  # every name
WHAT = "a curve file of NumPy"


def write(path: Path, curves: Curves, rate: float = RATE, start_s: float | None = None) -> None:
    """Writes values (T, C) float32, names (C,), rate, and start_s: seconds after midnight, or not a number."""
    sampled = resample(curves, rate)
    archive = BytesIO()  # zipfile would try again, in vain and with a traceback, what a full disk refuses
    np.savez(
        archive,
        values=sampled.values,
        names=np.array(sampled.names, dtype=np.str_),
        rate=np.float64(sampled.rate),
        start_s=np.float64(np.nan if start_s is None else start_s),
    )
    with bytes_written_whole(path) as file:
        file.write(archive.getbuffer())


def read(path: Path, _rate: float | None = None) -> Recording:
    """Curves from such a file."""
    try:
        with path.open("rb") as file:
            return _recording(path, file)
    except OSError as error:
        raise FormatError(f"{quoted(path)} cannot be read: {reason(error)}") from error


def _recording(path: Path, file: BinaryIO) -> Recording:
    try:
        held = _arrays(file)
        values, names, rate = held["values"], held["names"], held["rate"]
        start_s = float(held["start_s"].item()) if "start_s" in held else np.nan
        if values.ndim != 2 or values.dtype.kind not in "fiu" or names.dtype.kind != "U" or names.ndim != 1:
            raise ValueError("it needs values (T, C) as numbers and names (C,) as text")
        if values.shape[1] != len(names):
            raise ValueError(f"{values.shape[1]} columns of values for {len(names)} names")
        with np.errstate(over="ignore"):
            rows: Array = values.astype(np.float32, copy=False)
        if not are_sane(rows):
            raise ValueError(f"it holds a value that is not a number, or beyond {LARGEST:g}")
        told = document.positive(path, float(rate.item()), "rate")
    except KeyError as error:
        raise FormatError(f"{quoted(path)} is not {WHAT}: it has no {error.args[0]}") from error
    except DAMAGE as error:
        raise FormatError(f"{quoted(path)} is not {WHAT}: {reason(error)}") from error
    curves = Curves(rows, document.names(path, names.tolist(), WHAT), told)
    return Recording(curves, document.moment(path, start_s) if np.isfinite(start_s) else None)


def _arrays(file: BinaryIO) -> dict[str, npt.NDArray[np.generic]]:
    held = np.load(file, allow_pickle=False)
    if not isinstance(held, np.lib.npyio.NpzFile):
        raise ValueError("it is a single array")
    check_packing(held)
    return {name: held[name] for name in held.files}
