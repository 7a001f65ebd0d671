"""Arrays and a few plain facts as bytes that can be kept in a file or a scene: a NumPy archive without pickle."""

from __future__ import annotations

import io
import json
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .curves import Array
from .errors import FormatError

MAX_ROWS = 50 * 3600 * 12  # half a day of speech: more is a damaged header
MOST_BYTES = 3 * 2**29  # a day of a whole face at 60 rows a second is 1.3 GB: more is a damaged file, or a bomb
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # NumPy's own; what others raise is not even there everywhere
ABOUT = "about"
# What reading a damaged one raises: NumPy parses its headers as Python, and zip has faults of its own.
DAMAGE = (
    *(ValueError, TypeError, AttributeError, IndexError, EOFError, OSError, MemoryError, OverflowError),
    *(SyntaxError, tokenize.TokenError, RecursionError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)


def pack(kind: str, schema: int, about: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """A compressed archive that `unpack` reads; the same content gives the same bytes."""
    text = json.dumps({"kind": kind, "schema": schema, **about}).encode()
    file = io.BytesIO()
    members = {name: values.astype("<f4") for name, values in arrays.items()}
    np.savez_compressed(file, **{ABOUT: np.frombuffer(text, np.uint8)}, **members)
    return file.getvalue()


def unpack(kind: str, schema: int, data: bytes, remedy: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """The facts and the arrays that were packed; what is damaged or something else is refused with the remedy."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            check_packing(archive)
            about = json.loads(archive[ABOUT].tobytes())
            if about["kind"] != kind or about["schema"] != schema:
                raise ValueError(f"it is not {kind} of schema {schema}")
            return about, {name: _numbers(name, archive[name]) for name in archive.files if name != ABOUT}
    except (KeyError, *DAMAGE) as error:
        raise damaged(error, remedy) from error


def check_packing(archive: np.lib.npyio.NpzFile) -> None:
    """Raises a ValueError, before anything is unpacked, if NumPy has not packed it so or it would fill the memory."""
    members = archive.zip.infolist()
    if any(member.compress_type not in PACKINGS for member in members):
        raise ValueError("it is packed as NumPy packs nothing")
    if (size := sum(member.file_size for member in members)) > MOST_BYTES:
        raise ValueError(f"it would unpack to {size / 1e9:.1f} GB")


def damaged(error: BaseException, remedy: str) -> FormatError:
    """The refusal of what was kept, in one line."""
    return FormatError(f"what was kept is damaged ({' '.join(str(error).split()) or type(error).__name__}); {remedy}")


def _numbers(name: str, values: npt.NDArray[Any]) -> Array:
    if values.dtype != np.dtype("<f4") or not 1 <= values.ndim <= 2 or len(values) > MAX_ROWS:
        raise ValueError(f"{name} is {values.dtype} {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds a value that is not a number")
    return values.astype(np.float32)
