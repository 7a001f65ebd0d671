"""Curves: the one value that travels from the model through every layer to keys and files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from . import channels
from .errors import FormatError

# What arrays hold, everywhere in the core but in rigs.solve, which counts in float64 alone.
Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

SEALED_GAP = 0.02  # lips this close read as sealed
FLOOR_TOLERANCE = 1e-3  # a closure met this near its floor has been met
SHUT = 0.98  # of eyeBlink: lids that meet
NARROWEST = 0.01  # rows: a bell of that width shares nothing with the next row
MOST_VALUES = 2**30  # 4 GB: three days of a whole face at 60 rows a second; more is a slip of a rate
LARGEST = 1e9  # no key of a face goes near it, and whatever is made of smaller values stays a number
_MOUTH = channels.GROUPS["jaw"] + channels.GROUPS["mouth"]
_LIDS = ("eyeBlink", *channels.MOVE_LIDS)


@dataclass(frozen=True)
class Curves:
    """Values over time, (T, C) float32, one named column a channel; row t is the instant t / rate seconds."""

    values: Array
    names: tuple[str, ...]
    rate: float

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(f"values are {self.values.shape}, names are {len(self.names)}: need (T, C) and C names")
        if len(set(self.names)) != len(self.names):
            raise ValueError("channel names repeat")
        if not 0 < self.rate < math.inf:
            raise ValueError(f"rate must be positive, not {self.rate}")

    @property
    def duration_s(self) -> float:
        """Seconds from the first row to one step after the last."""
        return len(self.values) / self.rate

    def column(self, name: str) -> Array:
        """One channel over time, (T,); a channel that is not carried is at rest, so zeros."""
        if name not in self.names:
            return np.zeros(len(self.values), np.float32)
        return self.values[:, self.names.index(name)]

    def select(self, names: Sequence[str]) -> Curves:
        """The channels asked for, in that order; those not carried are zeros."""
        columns = [self.column(name) for name in names]
        values = np.stack(columns, axis=1) if columns else np.zeros((len(self.values), 0), np.float32)
        return Curves(values, tuple(names), self.rate)

    def with_columns(self, columns: Mapping[str, Array]) -> Curves:
        """New curves in which the named channels, each (T,), are replaced or appended."""
        names = self.names + tuple(name for name in columns if name not in self.names)
        values = np.empty((len(names), len(self.values)), np.float32).T  # each channel in one piece
        values[:, : len(self.names)] = self.values
        for name, column in columns.items():
            values[:, names.index(name)] = column
        return replace(self, values=values, names=names)


def are_sane(values: Array) -> bool:
    """Whether all values are numbers, and none is beyond what any key could mean."""
    return bool(np.maximum(values.max(initial=0), -values.min(initial=0)) <= LARGEST)  # NaN is not


def lip_gap(curves: Curves) -> Array:
    """How far the lips are apart, (T,): jawOpen less mouthClose, which is relative to it; 0 or less is sealed."""
    return curves.column("jawOpen") - curves.column("mouthClose")


def blurred(values: Array, width_rows: float) -> Array:
    """Each column of (T,) or (T, C) through a zero-phase Gaussian of that standard deviation; the ends are held."""
    if not len(values) or width_rows < NARROWEST:
        return values
    half = math.ceil(3 * width_rows)
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / width_rows) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    padded = np.pad(values, ((half, half),) + ((0, 0),) * (values.ndim - 1), mode="edge")
    soft = np.zeros(values.shape, np.float32)
    for offset, weight in enumerate(kernel):  # a few taps, each over all rows
        soft += weight * padded[offset : offset + len(values)]
    return soft


def resample(curves: Curves, rate: float) -> Curves:
    """The same performance at another rate; a lip closure or a blink shorter than a frame is whole on the nearest.

    There is a row at every k / rate seconds before the end, and at least one. Between rows values are interpolated
    linearly, so they never leave the range of their neighbours. Names must be channels: sample before a rig's mapping.
    """
    if not math.isfinite(rate) or rate <= 0:
        raise ValueError(f"rate must be positive, not {rate}")
    if rate == curves.rate or not len(curves.values):
        return replace(curves, rate=rate)
    count = max(1, math.ceil(curves.duration_s * rate - 1e-6))
    if count * len(curves.names) > MOST_VALUES:
        raise FormatError(f"{curves.duration_s:.0f} s at {rate:g} rows a second would fill the memory; ask for fewer")
    at = np.minimum(np.arange(count) * (curves.rate / rate), len(curves.values) - 1)  # (T,) positions in source rows
    left = at.astype(np.intp)
    right = np.ceil(at).astype(np.intp)
    share = (at - left).astype(np.float32)[:, np.newaxis]
    values = curves.values[left] * (1 - share) + curves.values[right] * share
    values = _with_closures(curves, values, left, right, curves.rate / rate)
    return replace(curves, values=_with_blinks(curves, values, curves.rate / rate), rate=rate)


def _with_closures(source: Curves, values: Array, left: Rows, right: Rows, step: float) -> Array:
    """`values` in which a closure that the new rows miss, or meet above its floor, stands on the row nearest to it."""
    gap = lip_gap(source)
    sealed = gap <= SEALED_GAP
    begins = sealed & ~np.concatenate([[False], sealed[:-1]])
    starts = np.flatnonzero(begins)
    if not len(starts) or not {"jawOpen", "mouthClose"} <= set(source.names):
        return values
    closure = np.cumsum(begins) - 1  # (T,) the closure that a sealed row belongs to
    floors = np.minimum.reduceat(np.where(sealed, gap, np.inf), starts)  # (P,)
    reached = np.full(len(starts), np.inf)
    inside = sealed[left] & sealed[right] & (closure[left] == closure[right])
    new_gap = values[:, source.names.index("jawOpen")] - values[:, source.names.index("mouthClose")]
    np.minimum.at(reached, closure[left[inside]], new_gap[inside])

    at_floor = np.flatnonzero(sealed & (gap <= floors[closure]))
    deepest = at_floor[np.searchsorted(at_floor, starts)]  # (P,) the first row of each closure that is on its floor
    nearest = np.minimum(np.rint(deepest / step).astype(np.intp), len(values) - 1)
    lost = np.flatnonzero((reached > floors + FLOOR_TOLERANCE) & (new_gap[nearest] > floors))
    lost = lost[np.argsort(-floors[lost], kind="stable")]  # of two on one row the deeper is written last
    mouth = np.flatnonzero(np.isin(source.names, _MOUTH))  # the whole pose moves: pressed lips stay pressed
    kept = values.copy()
    kept[np.ix_(nearest[lost], mouth)] = source.values[np.ix_(deepest[lost], mouth)]
    return kept


def _with_blinks(source: Curves, values: Array, step: float) -> Array:
    """`values` in which a blink that the new rows meet half open stands on the row nearest to its middle."""
    kept = values.copy()
    for side in ("Left", "Right"):
        lid = source.column(f"eyeBlink{side}")
        edges = np.diff((lid >= SHUT).astype(np.int8), prepend=0, append=0)
        middles = (np.flatnonzero(edges == 1) + np.flatnonzero(edges == -1) - 1) // 2
        nearest = np.minimum(np.rint(middles / step).astype(np.intp), len(values) - 1)
        lids = [i for i, name in enumerate(source.names) if name.endswith(side) and name.startswith(_LIDS)]
        lost = replace(source, values=values).column(f"eyeBlink{side}")[nearest] < lid[middles]
        kept[np.ix_(nearest[lost], lids)] = source.values[np.ix_(middles[lost], lids)]
    return kept
