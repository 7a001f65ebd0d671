"""What listening to a line leaves: raw channels and prosody, slow to get, quick to perform on, and able to be kept."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import channels
from .curves import Array, Curves
from .errors import FormatError
from .prosody import Prosody

KIND = "facewright-heard"
SCHEMA = 1
MAX_ROWS = 50 * 3600 * 12  # half a day of speech: more is a damaged header
TRACKS = ("loudness_db", "pitch_hz", "tilt_db")


@dataclass(frozen=True)
class Heard:
    """The model's raw channels, how the line is said, and what the user should know; the layers need nothing else."""

    curves: Curves
    prosody: Prosody
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.curves.values) != len(self.prosody.pitch_hz) or self.curves.rate != self.prosody.rate:
            raise ValueError(
                f"{len(self.curves.values)} rows of curves, {len(self.prosody.pitch_hz)} of prosody: need the same"
            )

    def to_bytes(self) -> bytes:
        """A compressed archive that `from_bytes` turns back into the same, bit for bit; the same gives the same."""
        about = {
            "kind": KIND, "schema": SCHEMA, "rate": self.curves.rate,
            "names": self.curves.names, "notes": self.notes,
        }  # fmt: skip
        arrays = {"raw": self.curves.values} | {name: getattr(self.prosody, name) for name in TRACKS}
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        file = io.BytesIO()
        np.savez_compressed(file, about=text, **{k: v.astype("<f4") for k, v in arrays.items()})
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Heard:
        """What `to_bytes` wrote; anything else is refused in one line."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                return _read(archive)
        except (ValueError, KeyError, TypeError, AttributeError, OSError, EOFError) as error:
            raise FormatError(f"what is kept of the line is damaged ({_brief(error)}); listen to it again") from error
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, MemoryError) as error:
            raise FormatError(f"what is kept of the line is damaged ({_brief(error)}); listen to it again") from error


def _read(archive: Mapping[str, npt.NDArray[Any]]) -> Heard:
    about = json.loads(archive["about"].tobytes())
    if about["kind"] != KIND or about["schema"] != SCHEMA:
        raise ValueError(f"it is not {KIND} of schema {SCHEMA}")
    names = tuple(str(name) for name in about["names"])
    if unknown := [name for name in names if name not in channels.ALL]:
        raise ValueError(f"no channel is called {unknown[0]!r}")
    raw = _numbers(archive, "raw", 2)
    tracks = [_numbers(archive, name, 1) for name in TRACKS]
    rate = float(about["rate"])
    prosody = Prosody(tracks[0], tracks[1], rate, tracks[2])
    return Heard(Curves(raw, names, rate), prosody, tuple(str(note) for note in about["notes"]))


def _numbers(archive: Mapping[str, npt.NDArray[Any]], name: str, axes: int) -> Array:
    values = archive[name]
    if values.dtype != np.dtype("<f4") or values.ndim != axes or len(values) > MAX_ROWS:
        raise ValueError(f"{name} is {values.dtype} {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds a value that is not a number")
    return values.astype(np.float32)


def _brief(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
