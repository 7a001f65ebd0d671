"""A mapping made by hand: which of a head's keys a channel moves, how far, and within what."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, get_args

import numpy as np

from .. import channels
from ..curves import Array
from ..errors import RigError, quoted
from .rigmap import Closure

LARGEST = 1000.0  # a gain, an offset or a limit beyond it is a slip: keys go to 10 at most
SAYABLE = 10**9  # Python refuses to write whole numbers of thousands of digits
ANGLES = frozenset(channels.HEAD + channels.EYES)  # radians about 0, where all others go from 0 to 1


@dataclass(frozen=True)
class Row:
    """One channel on one key: the key gets offset + gain × channel, held between low and high.

    What several rows give to one key is added up, and held between the lowest and the highest of their limits.
    An inverted row counts backwards: 1 - channel, or for an angle the other way round.
    """

    channel: str
    key: str
    gain: float = 1.0
    offset: float = 0.0
    low: float = 0.0
    high: float = 1.0
    invert: bool = False

    def __post_init__(self) -> None:
        _check_names(self.channel, self.key)
        for name in ("gain", "offset", "low", "high"):
            _check_number(name, getattr(self, name))
        if not isinstance(self.invert, bool):
            raise RigError(f"invert is true or false, not {told(self.invert)}")
        if self.low > self.high:
            raise RigError(f"low {self.low:g} is above high {self.high:g}; swap them")

    def shown(self, values: Array) -> Array:
        """What the key gets by this row for the channel's values, (T,)."""
        if self.invert:
            values = -values if self.channel in ANGLES else np.float32(1) - values
        moved: Array = np.float32(self.offset) + np.float32(self.gain) * values
        return np.clip(moved, np.float32(self.low), np.float32(self.high))

    @property
    def weight(self) -> float:
        """How much the key moves for a channel that moves by 1."""
        return -self.gain if self.invert else self.gain


OPTIONS = tuple(item.name for item in fields(Row))


@dataclass(frozen=True)
class CustomMap:
    """The rows of a head, in the order of the table.

    A channel that has rows is shown by them alone, and a key that has rows by nothing else. All others stay as they
    were recognised, or with `only` do not move. `closure` says what the rows of mouthClose set; see RigMap.
    """

    rows: tuple[Row, ...]
    only: bool = False
    closure: Closure = "relative"


def build(
    where: str, entries: Sequence[Mapping[str, Any]], only: object = False, closure: object = "relative"
) -> CustomMap:
    """The mapping of these rows; a RigError begins with `where` and names the row that is wrong and why."""
    if not isinstance(only, bool):
        raise RigError(f"{where}: only is true or false, not {told(only)}")
    if closure not in get_args(Closure):
        raise RigError(f"{where}: closure is one of {', '.join(get_args(Closure))}, not {told(closure)}")
    rows: dict[tuple[str, str], Row] = {}
    for number, entry in enumerate(entries, 1):
        try:
            row = _row(entry)
            if (pair := (row.channel, row.key)) in rows:
                raise RigError(f"the same as row {1 + list(rows).index(pair)}; remove one of them")
        except RigError as error:
            raise RigError(f"{where}, row {number}{_named(entry)}: {error}") from error
        rows[pair] = row
    return CustomMap(tuple(rows.values()), only, closure)  # type: ignore[arg-type]  # get_args has seen to it


def _row(entry: Mapping[str, Any]) -> Row:
    for name in entry:
        if name not in OPTIONS:
            raise RigError(f"unknown entry {quoted(name)}; a row has {', '.join(OPTIONS)}")
    for name in ("channel", "key"):
        if name not in entry:
            raise RigError(f"it has no {name}; add {name} = ...")
    numbers = {name: _as_float(value) for name, value in entry.items() if name not in ("channel", "key", "invert")}
    return Row(**{**entry, **numbers})


def _named(entry: Mapping[str, Any]) -> str:
    """The row as a reader finds it again, if it has names at all."""
    channel, key = entry.get("channel"), entry.get("key")
    return f" ({channel} to {quoted(key)})" if channel in channels.ALL and isinstance(key, str) else ""


def _as_float(value: object) -> object:
    """Whole numbers as floats; what is none is left for the row to refuse."""
    is_whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
    return float(value) if is_whole else value  # type: ignore[arg-type]


def _check_names(channel: object, key: object) -> None:
    if channel not in channels.ALL:
        near = difflib.get_close_matches(told(channel), channels.ALL, 1, 0.5)
        hint = f"; nearest is {near[0]}" if near else "; channels are ARKit's 52, headYaw and the like"
        raise RigError(f"{told(channel)} is no channel{hint}")
    if not isinstance(key, str) or not key:
        raise RigError("it names no key; name one of the head's")
    if "\0" in key or any("\ud800" <= letter <= "\udfff" for letter in key):
        raise RigError(f"the key {quoted(key)} is no text; rename it")


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RigError(f"{name} must be a number, not {told(value)}")
    if not abs(value) <= LARGEST:  # NaN is not
        raise RigError(f"{name} must be -{LARGEST:g} to {LARGEST:g}, not {told(value)}")


def told(value: object) -> str:
    """A value as a part of a message's one line, however long it is."""
    if isinstance(value, int) and abs(value) > SAYABLE:
        return "a number of that size"
    if isinstance(value, str | int | float):
        return quoted(value[:40]) if isinstance(value, str) else str(value)
    return f"a {type(value).__name__}"
