"""RigMap: one naming convention, and what its controls are set to for given channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ..curves import Array, Curves
from ..errors import RigError
from . import names
from .visemes import solve

Weights = dict[str, dict[str, float]]  # control → channel → weight
Closure = Literal["relative", "absolute", "share"]

JAW_SHUT = 0.02  # a jaw opened less than this is shut: shares of its opening fade out below
JAW_SHUT_FOR_VISEMES = 0.05  # a viseme key presses the lips by itself, so it must not come from a trembling jaw


@dataclass(frozen=True)
class RigMap:
    """A naming convention: for each control, the channels that it is the weighted sum of, clamped to `span`.

    Closure says what the convention's own lip-closing control means: "relative" closes the lips over the open jaw, as
    ARKit's mouthClose does; "absolute" is jaw and lips in one pose, so the jaw gives way; "share" is the part of the
    jaw's opening that is closed. Where a head has no such control, the jaw closes the lips.
    """

    name: str
    title: str
    weights: Weights
    visemes: Weights = field(default_factory=dict)  # viseme key → pose; solved for together
    instead: Weights = field(default_factory=dict)  # used where none of its channels has a key of its own
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)  # control → further spellings
    idle: tuple[str, ...] = ()  # the convention's other keys: they tell it from others and are never written
    telling: tuple[str, ...] = ()  # keys of which a head must have one; none: its controls tell it
    approximate: frozenset[str] = frozenset()  # channels that the convention only comes near to
    closure: Closure = "relative"
    span: tuple[float, float] = (0.0, 1.0)
    family: str = ""

    def controls(self, curves: Curves, available: Sequence[str]) -> Curves:
        """The value of each of the head's keys that this convention knows, (T, R), named as the head names them."""
        found = self.match(available)
        if not found:
            raise RigError(f"no key of this head is of the convention {self.title!r}; choose a head that has them")
        closing = self._closing(curves, found)
        values = {
            control: np.clip(_sum(self.parts(control), closing), *self.span)
            for control in found
            if control not in self.visemes
        }
        spoken = [control for control in found if control in self.visemes]
        if spoken:
            values |= dict(zip(spoken, solve(closing, [self.visemes[name] for name in spoken]).T, strict=True))
        written = self.written(found, available)
        columns = {key: values[control] for control in values for key in written[control]}
        return Curves(np.stack(list(columns.values()), axis=1).astype(np.float32), tuple(columns), curves.rate)

    def written(self, found: Mapping[str, str], available: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Control → all of the head's keys that take its value: one, unless meshes put nodes before it."""
        keys = names.index(tuple(available))
        return {control: keys.all_of(key, self._spellings(control)) for control, key in found.items()}

    def match(self, available: Sequence[str]) -> dict[str, str]:
        """Control → the head's key, for those that are there; exact spelling first, then without prefix and case."""
        keys = names.index(tuple(available))
        found: dict[str, str] = {}
        taken: set[str] = set()
        for control in (*self.weights, *self.visemes):
            key = keys.find(self._spellings(control))
            if key is not None and key not in taken:
                found[control] = key
                taken.add(key)
        for start, key in keys.cut:  # a cut name counts if only one control can be meant: never left for right
            meant = [name for name in (*self.weights, *self.visemes, *self.idle) if names.plain(name).startswith(start)]
            if len(meant) == 1 and meant[0] not in self.idle and meant[0] not in found and key not in taken:
                found[meant[0]] = key
                taken.add(key)
        carried = {channel for control in found for channel in self.parts(control)}
        for control, parts in self.instead.items():
            key = keys.find(self._spellings(control))
            if key is not None and key not in taken and not carried & parts.keys():
                found[control] = key
        return found

    def parts(self, control: str) -> Mapping[str, float]:
        """Channel → weight for a control, or a viseme's pose."""
        return self.weights.get(control) or self.visemes.get(control) or self.instead[control]

    @property
    def absent(self) -> tuple[str, ...]:
        """Keys that must be there and are not; a convention asks for none."""
        return ()

    def range_of(self, _key: str) -> tuple[float, float]:
        """The lowest and the highest value that one of the head's keys may be given."""
        return self.span

    def _spellings(self, control: str) -> tuple[str, ...]:
        return (control, *self.aliases.get(control, ()))

    def can_close(self, found: Mapping[str, str]) -> bool:
        """Whether a head with these controls has all of the convention's own that close the lips."""
        closers = {control for control, parts in self.weights.items() if "mouthClose" in parts}
        return bool(closers) and closers <= found.keys()

    def _closing(self, curves: Curves, found: Mapping[str, str]) -> Curves:
        """The curves with jawOpen and mouthClose as this head's keys mean them."""
        jaw, close = curves.column("jawOpen"), curves.column("mouthClose")
        shut = np.maximum(jaw - close, 0)
        if any(control in self.visemes for control in found):
            return curves.with_columns({"jawOpen": shut, "mouthClose": _share(close, jaw, JAW_SHUT_FOR_VISEMES)})
        if not self.can_close(found):  # without mouthClose the lips can only meet by closing the jaw
            return curves.with_columns({"jawOpen": shut, "mouthClose": np.zeros_like(close)})
        if self.closure == "absolute":
            return curves.with_columns({"jawOpen": shut})
        if self.closure == "share":
            return curves.with_columns({"mouthClose": _share(close, jaw, JAW_SHUT)})
        return curves


def _share(close: Array, jaw: Array, least: float) -> Array:
    share: Array = np.clip(close / np.maximum(jaw, np.float32(least)), 0, 1).astype(np.float32)
    return share


def _sum(parts: Mapping[str, float], curves: Curves) -> Array:
    total = np.zeros(len(curves.values), np.float32)
    for channel, weight in parts.items():
        total += np.float32(weight) * curves.column(channel)
    return total
