"""Files that are there whole or not at all, whatever stops the machine: written beside, forced to disk, renamed."""

from __future__ import annotations

import os
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from addon.core.errors import quoted, reason
from addon.core.whole import check_writable, put_in_place

from .corpora import CorpusError


def make_room(file: Path) -> None:
    """Make a file's folder, and refuse a place that takes no file: before the work on it, not after."""
    file.parent.mkdir(parents=True, exist_ok=True)
    check_writable(file)


def write_whole(file: Path, content: bytes | str) -> None:
    """Write bytes, or text as UTF-8, so that a kill, a full disk or a power cut leaves what was there before."""
    if file.is_dir() or (file.exists() and not file.is_file()):  # a file would take the place of /dev/null itself
        raise CorpusError(f"cannot write {quoted(file)}: it is a folder or a device; name a file")
    partial = file.with_name(file.name + ".partial")
    try:
        with partial.open("wb") as beside:
            beside.write(content.encode() if isinstance(content, str) else content)
            beside.flush()
            os.fsync(beside.fileno())
        put_in_place(partial, file)
    except OSError as error:
        raise CorpusError(
            f"cannot write {quoted(file)} ({reason(error)}): make room, or choose another place, and go on"
        ) from error
    finally:  # after Ctrl+C too
        with suppress(OSError):  # it is renamed, or was never there
            partial.unlink()


def write_sound(file: Path, samples: npt.NDArray[np.floating[Any]], rate: int, subtype: str) -> None:
    """Write samples (N,) in the format that the file's name ends in."""
    content = BytesIO()  # of a full disk soundfile would say no more than "System error"
    soundfile.write(content, samples, rate, subtype=subtype, format=file.suffix[1:].upper())
    write_whole(file, content.getvalue())
