"""Curve files: one module a format, each with write(path, curves) and read(path); chosen by the file's suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..curves import Curves
from ..errors import FormatError, quoted
from . import json, livelink_csv


class _Format(Protocol):
    """What every module of this room offers."""

    RATE: float

    def write(self, path: Path, curves: Curves, rate: float, /) -> None: ...

    def read(self, path: Path, /) -> Curves: ...


SUFFIXES: dict[str, _Format] = {".csv": livelink_csv, ".json": json}


def write(path: Path, curves: Curves, rate: float | None = None) -> None:
    """A curve file in the format of its suffix; `rate` None is that format's usual one."""
    module = _module(path)
    module.write(path, curves, module.RATE if rate is None else rate)


def read(path: Path) -> Curves:
    """Curves from a file in the format of its suffix."""
    return _module(path).read(path)


def check_suffix(path: Path) -> None:
    """Raises a FormatError if no format has this suffix."""
    if path.suffix.lower() not in SUFFIXES:
        raise FormatError(f"{quoted(path.name)}: unknown ending {quoted(path.suffix)}; use {' or '.join(SUFFIXES)}")


def _module(path: Path) -> _Format:
    check_suffix(path)
    return SUFFIXES[path.suffix.lower()]
