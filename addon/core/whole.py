"""Files that are there whole or not at all: written beside under another name, then renamed."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from .errors import FormatError, quoted, reason

HALF = ".facewright-"  # how the names begin of what is being written
HALVES = f"{HALF}{16 * '[0-9a-f]'}*"  # what `half_named` makes of it; a user's own file may begin so too
FORBIDDEN = '<>:"/\\|?*'  # in a file's name, on some system or other
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
HELD_S = (0.02, 0.08, 0.3, 0.6)  # in all a second: as long as a virus scanner looks into a new file


@contextmanager
def written_whole(path: Path) -> Iterator[TextIO]:
    """A UTF-8 text file that takes the place of `path` when the block ends well, and leaves no trace otherwise."""
    with _replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def bytes_written_whole(path: Path) -> Iterator[BinaryIO]:
    """The same for a file that is no text."""
    with _replacing(path) as temporary, temporary.open("wb") as file:
        yield file


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place when the block ends well; beside what it means if it is a link."""
    temporary = _beside(path)
    try:
        yield temporary
        put_in_place(temporary, path)
    except OSError as error:
        raise _refusal(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def put_in_place(made: Path, path: Path) -> None:
    """Lets a finished file take the place of `path`, or of what that means if it is a link; an OSError says why not."""
    _when_let_go(lambda: made.replace(_meant(path)))


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it, unless it is there; a FormatError says why it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(f"folder {quoted(path)} cannot be made: {reason(error)}; choose another place") from error


def check_writable(path: Path) -> None:
    """Raises a FormatError unless a file can be written at `path`; tries it, as permissions alone don't tell."""
    temporary = _beside(path)
    try:
        _when_let_go(temporary.unlink)
    except OSError as error:
        raise _refusal(path, error) from error


def is_device(name: str) -> bool:
    """Whether a file's name, whatever its ending, is a device's on Windows."""
    return name.partition(".")[0].strip().upper() in DEVICES


def is_there(path: Path) -> bool:
    """Whether there is a file; none is where nobody can tell, as on a share that is away."""
    try:
        return path.is_file()
    except OSError:
        return False


def are_one(path: Path, other: Path) -> bool:
    """Whether both name one file; of one that cannot be asked, whoever opens it tells."""
    try:
        return path.samefile(other)
    except OSError:
        return False


def half_named(path: Path, suffix: str = "") -> Path:
    """A name beside what `path` means that no file has, by which `batch` knows what a killed program has left."""
    return _meant(path).with_name(f"{HALF}{secrets.token_hex(8)}{suffix}")


def _beside(path: Path) -> Path:
    try:
        if path.is_dir():
            raise FormatError(f"{quoted(path)} is a folder; name a file in it")
        if path.exists() and not path.is_file():  # a file would take the place of /dev/null itself
            raise FormatError(f"{quoted(path)} is a device or a pipe; name a file")
        if path.exists() and not os.access(path, os.W_OK):
            raise FormatError(f"{quoted(path)} is write-protected; choose another name")
        if sys.platform == "win32" and (is_device(path.name) or set(path.name) & set(FORBIDDEN)):
            raise FormatError(f"{quoted(path.name)} cannot be a file's name on Windows; choose another name")
        if sys.platform == "win32" and path.exists():
            path.open("r+b").close()  # a spreadsheet lets nobody else write what it shows
        temporary = half_named(path)
        temporary.open("xb").close()  # as any new file: mkstemp's is private, and some network disks allow no chmod
    except OSError as error:
        raise _refusal(path, error) from error
    return temporary


def _meant(path: Path) -> Path:
    """The file that a link is for, whether it is there or not; any other path as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _when_let_go(move: Callable[[], object]) -> None:
    """Renames or deletes a file; on Windows, where nobody can while it is open elsewhere, again for a second."""
    for held_s in HELD_S if sys.platform == "win32" else ():
        try:
            move()
        except PermissionError:
            time.sleep(held_s)
        else:
            return
    move()


def _refusal(path: Path, error: OSError) -> FormatError:
    if sys.platform == "win32" and isinstance(error, PermissionError) and is_there(path):
        told = "another program has it open, or you may not write there; close it, or choose another place"
        return FormatError(f"{quoted(path)} cannot be replaced: {told}")
    why = "its folder does not exist" if isinstance(error, FileNotFoundError) else reason(error)
    return FormatError(f"{quoted(path)} cannot be written: {why}; choose another place")
