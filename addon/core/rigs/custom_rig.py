"""A head whose keys are set by a mapping made by hand, alone or over the convention that was recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..curves import Array, Curves
from ..errors import RigError
from . import names
from .custom import CustomMap, Row
from .detect import Detection, detection_of
from .rigmap import RigMap, Weights

BY_HAND = "Mapping by hand"
WIDEST_SLIDER = 2.0  # from -1 to 1; what goes further counts in another unit
STILL_JAW = 1e-6  # a jaw that is open less has no share to measure by


@dataclass(frozen=True)
class CustomRig(RigMap):
    """A mapping's rows as a RigMap; `base` is what remains of the convention beside them."""

    rows: tuple[Row, ...] = ()
    bound: dict[str, tuple[str, ...]] = field(default_factory=dict)  # row's key → the head's keys that it means
    base: RigMap | None = None

    @property
    def absent(self) -> tuple[str, ...]:
        """Keys of rows that the head does not have: renamed or deleted since, or another head's."""
        return tuple(key for key in _keys(self.rows) if key not in self.bound)

    def controls(self, curves: Curves, available: Sequence[str]) -> Curves:
        """The value of each of the head's keys, (T, R): those of the rows, then those of the convention.

        The lips close as they did: where rows open the jaw further or less far, mouthClose follows it.
        """
        found = self.match(available)
        if not found:
            raise RigError("none of the mapped keys is on this head; choose others in its mapping")
        seen = self._seen(curves, found)
        columns: dict[str, Array] = {}
        rows: dict[str, list[Row]] = {}
        for row in self.rows:
            rows.setdefault(row.key, []).append(row)
        for key, its in self._own(available).items():
            columns |= dict.fromkeys(its, _shown(seen, rows[key]))
        rest = self._rest(available)
        if self.base and (others := self.base.match(rest)):
            by_base = self.base.controls(self._seen_by_base(self.base, curves, seen, others), rest)
            columns |= zip(by_base.names, by_base.values.T, strict=True)
        return Curves(np.stack(list(columns.values()), axis=1).astype(np.float32), tuple(columns), curves.rate)

    def match(self, available: Sequence[str]) -> dict[str, str]:
        """Row's key or convention's control → the head's key, for those that are there."""
        own = {key: its[0] for key, its in self._own(available).items()}
        return own | (self.base.match(self._rest(available)) if self.base else {})

    def written(self, found: Mapping[str, str], available: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Control → all of the head's keys that take its value."""
        own = {key: its for key, its in self._own(available).items() if key in found}
        others = {control: key for control, key in found.items() if control not in own}
        return own | (self.base.written(others, self._rest(available)) if self.base else {})

    def range_of(self, key: str) -> tuple[float, float]:
        """The lowest and the highest value that one of the head's keys may be given."""
        rows = [row for row in self.rows if key in self.bound.get(row.key, ())]
        return _limits(rows) if rows else self.span

    def _own(self, available: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Row's key → those of the head's keys that it means and that may be written."""
        there = set(available)
        own = {key: tuple(name for name in its if name in there) for key, its in self.bound.items()}
        return {key: its for key, its in own.items() if its}

    def _rest(self, available: Sequence[str]) -> tuple[str, ...]:
        """The keys that no row moves."""
        own = {name for its in self.bound.values() for name in its}
        return tuple(name for name in available if name not in own)

    def _seen(self, curves: Curves, found: Mapping[str, str]) -> Curves:
        """The curves as the rows take them: jawOpen and mouthClose as this head's keys mean them."""
        seen = self._closing(curves, found)
        jaws = [row for row in self.rows if row.channel == "jawOpen"]
        if not jaws or self.closure != "relative" or any(control in self.visemes for control in found):
            return seen
        jaw, close = seen.column("jawOpen"), seen.column("mouthClose")
        opened = [_opened(row, jaw) for row in jaws if row.key in found]
        widest = np.max(opened, axis=0) if opened else np.zeros_like(jaw)
        ratio = np.where(jaw > STILL_JAW, widest / np.maximum(jaw, np.float32(STILL_JAW)), np.float32(1))
        return seen.with_columns({"mouthClose": close * ratio})

    def _seen_by_base(self, base: RigMap, curves: Curves, seen: Curves, found: Mapping[str, str]) -> Curves:
        """The curves as the convention takes them, which looks to its own lips unless rows close them."""
        if any(control in base.visemes for control in found):
            return curves
        if base.can_close(found):
            return seen if base.closure == "relative" else curves
        return seen.with_columns({"mouthClose": np.zeros(len(seen.values), np.float32)})


def _shown(seen: Curves, rows: Sequence[Row]) -> Array:
    """A key's values, (T,), from the rows that move it."""
    total = np.zeros(len(seen.values), np.float32)
    for row in rows:
        total += row.shown(seen.column(row.channel))
    low, high = _limits(rows)
    return np.clip(total, np.float32(low), np.float32(high))


def _opened(row: Row, jaw: Array) -> Array:
    """How far a row opens the jaw, (T,): of a key that counts degrees, say, the share of all that it can do."""
    rest = float(row.shown(np.zeros(1, np.float32))[0])
    reach = max(row.high - rest, rest - row.low)
    opened: Array = np.abs(row.shown(jaw) - np.float32(rest))
    return opened / np.float32(reach) if reach > WIDEST_SLIDER else opened


def mapped(detection: Detection, custom: CustomMap) -> Detection:
    """What was recognised, with a mapping's rows over it, or in its place."""
    if not custom.rows:
        return detection
    bound = _bound(custom.rows, detection.given)
    base = None if custom.only or detection.rig is None else _beside(detection.rig, detection, custom, bound)
    weights: Weights = {key: {} for key in _keys(custom.rows)}
    for row in custom.rows:
        weights[row.key][row.channel] = row.weight
    moved = {row.channel for row in custom.rows}
    rig = CustomRig(
        name=base.name if base else "custom",
        title=f"{base.title}, mapped by hand" if base else BY_HAND,
        weights=weights | (base.weights if base else {}),
        visemes=base.visemes if base else {},
        instead=base.instead if base else {},
        approximate=base.approximate - moved if base else frozenset(),
        closure=custom.closure if "mouthClose" in moved or base is None else base.closure,
        span=base.span if base else (0.0, 1.0),
        rows=custom.rows,
        bound=bound,
        base=base,
    )
    found = detection_of(rig, detection.given)
    if base is None:
        return found
    filled = tuple(channel for channel in detection.completed if channel not in moved)
    return replace(found, rivals=detection.rivals, scores=detection.scores, completed=filled)


def _bound(rows: Sequence[Row], given: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Row's key → the head's keys that it means: the one spelt so, else those that read alike."""
    there = set(given)
    bound: dict[str, tuple[str, ...]] = {key: (key,) for key in _keys(rows) if key in there}
    taken = set(bound)
    index = names.index(given)
    for key in _keys(rows):
        near = names.cut(key) if names.cut(key) in there else index.find((key,))
        if key not in bound and near is not None and near not in taken:
            bound[key] = tuple(name for name in index.all_of(near, (key,)) if name not in taken)
            taken.update(bound[key])
    return bound


def _beside(rig: RigMap, detection: Detection, custom: CustomMap, bound: Mapping[str, tuple[str, ...]]) -> RigMap:
    """The convention without the keys and the channels of the rows; a viseme keeps its whole pose."""
    moved = {row.channel for row in custom.rows}
    keys = {name for its in bound.values() for name in its}
    taken = {control for control, its in rig.written(detection.found, detection.given).items() if keys & set(its)}
    taken |= {row.key for row in custom.rows}  # a control of that name would be taken for the row's
    if any("mouthClose" in rig.weights.get(control, ()) for control in taken):
        moved.add("mouthClose")  # lips that lack one of the keys that close them are closed by the jaw
    return replace(
        rig,
        weights=_without(rig.weights, taken, moved),
        visemes={key: pose for key, pose in rig.visemes.items() if key not in taken},
        instead=_without(rig.instead, taken, moved),
    )


def _without(weights: Weights, controls: set[str], moved: set[str]) -> Weights:
    left = {
        control: {channel: weight for channel, weight in parts.items() if channel not in moved}
        for control, parts in weights.items()
        if control not in controls
    }
    return {control: parts for control, parts in left.items() if parts}


def _keys(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.key for row in rows))


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    return min(row.low for row in rows), max(row.high for row in rows)
