"""Curve files: one module a format, each with write(path, curves) and read(path); chosen by the file's suffix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ..curves import Curves
from ..errors import FormatError, listed, quoted
from . import audio2face, document, json, livelink_csv, npz
from .recording import Recording, by_channel, unheard


class _Format(Protocol):
    """What every module of this room offers."""

    RATE: float

    @property
    def CARRIED(self) -> Sequence[str] | None: ...  # noqa: N802 - names that it has a place for; None: any

    def write(self, path: Path, curves: Curves, rate: float, start_s: float | None, /) -> None: ...

    def read(self, path: Path, rate: float | None, /) -> Recording: ...


SUFFIXES: dict[str, _Format] = {".csv": livelink_csv, ".a2f.json": audio2face, ".json": json, ".npz": npz}


def write(path: Path, curves: Curves, rate: float | None = None, start_s: float | None = None) -> None:
    """A curve file in the format of its suffix; `rate` None is that format's usual one.

    `start_s` is the time of day of the first row, for formats that keep one. Curves of which the format carries none
    are refused.
    """
    module = SUFFIXES[suffix_of(path)]
    if module.CARRIED is not None and not set(curves.names) & set(module.CARRIED):
        raise FormatError(f"{quoted(path.name)} has no place for {listed(curves.names)}, and there is nothing else")
    module.write(path, curves, module.RATE if rate is None else rate, start_s)


def read(path: Path, rate: float | None = None) -> Curves:
    """Curves from a file in the format of its suffix, at the file's own rate, values as they are in it.

    `rate` is for a file that can't tell its own: timecodes of 23.976 frames a second count 24.
    """
    return record(path, rate).curves


def record(path: Path, rate: float | None = None) -> Recording:
    """The same with the time of day of the first row, and notes for the user; names of any convention as channels."""
    return by_channel(path, as_named(path, rate))


def as_named(path: Path, rate: float | None = None) -> Recording:
    """The same under the names that the file itself has, if its format has a place for any."""
    suffix = suffix_of(path)
    if suffix.endswith(".json"):  # two formats share this ending
        table = document.load(path)
        parse = audio2face.parse if audio2face.MARK in table else json.parse
        return parse(path, table, rate)
    return SUFFIXES[suffix].read(path, rate)


def suffix_of(path: Path) -> str:
    """The ending that chooses a file's format; a FormatError if none does."""
    suffix = next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)
    if suffix is None:
        *most, last = SUFFIXES
        known = f"{', '.join(most)} or {last}"
        raise FormatError(f"{quoted(path.name)}: unknown ending {quoted(path.suffix)}; use {known}")
    return suffix


def check_suffix(path: Path) -> None:
    """Raises a FormatError if no format has this suffix."""
    suffix_of(path)


def carries_keys(path: Path) -> bool:
    """Whether a file of this suffix has a place for any name, such as a head's own keys."""
    return SUFFIXES[suffix_of(path)].CARRIED is None


def check_carries_keys(path: Path) -> None:
    """Raises a FormatError unless it has."""
    if not carries_keys(path):
        able = [suffix for suffix, module in SUFFIXES.items() if module.CARRIED is None]
        raise FormatError(f"{quoted(path.name)} has no place for a head's own keys; use {' or '.join(able)}")


def lost(path: Path, curves: Curves) -> str | None:
    """A note on what moves in these curves and has no place in a file of this suffix."""
    carried = SUFFIXES[suffix_of(path)].CARRIED
    dropped = unheard(curves, carried) if carried is not None else ()
    return f"{suffix_of(path)} has no place for {listed(dropped)}" if dropped else None


__all__ = [
    "SUFFIXES",
    "Recording",
    "as_named",
    "carries_keys",
    "check_carries_keys",
    "check_suffix",
    "lost",
    "read",
    "record",
    "suffix_of",
    "write",
]
