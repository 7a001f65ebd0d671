"""From channels to a head's own keys: which naming convention it follows, which it has, and what to set them to."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from .. import channels
from ..curves import Array, Curves
from ..errors import RigError, quoted

# What exporters put before a key's name: Maya's node (`blendShape1.`), MPFB's mark, a mesh (`head_lod0_mesh__`).
PREFIX = re.compile(r"^(?:.*\.(?=[^\W\d])|!ex-|.*__(?=[^\W\d]))")
SUFFIX = re.compile(r"\.\d{3}$")  # Blender's own, on a name that was taken
SEPARATORS = re.compile(r"[\s_.\-]")
SHOWN = 6  # names that a message lists before it says how many more there are


@dataclass(frozen=True)
class RigMap:
    """A naming convention: for each control, the channels that it is the weighted sum of."""

    name: str
    title: str
    weights: dict[str, dict[str, float]]  # control → channel → weight

    def controls(self, curves: Curves, available: Sequence[str]) -> Curves:
        """The value of each of the head's keys that this convention knows, (T, R), named as the head names them."""
        found = self.match(available)
        if not found:
            raise RigError(f"no key of this head is of the convention {self.title!r}; choose a head that has them")
        can_close = any("mouthClose" in self.weights[control] for control in found)
        columns = [self._value(control, curves, can_close) for control in found]
        values = np.clip(np.stack(columns, axis=1), 0, 1).astype(np.float32)
        return Curves(values, tuple(found.values()), curves.rate)

    def match(self, available: Sequence[str]) -> dict[str, str]:
        """Control → the head's key, for those that are there; exact spelling first, then without prefix and case."""
        by_name = {**{_plain(key): key for key in reversed(available)}, **{key: key for key in available}}
        spelt = {control: by_name.get(control, by_name.get(_plain(control))) for control in self.weights}
        return {control: key for control, key in spelt.items() if key is not None}

    def _value(self, control: str, curves: Curves, can_close: bool) -> Array:
        parts = self.weights[control]
        value = sum(
            (np.float32(w) * curves.column(name) for name, w in parts.items()), np.zeros(len(curves.values), np.float32)
        )
        if "jawOpen" in parts and not can_close:  # without mouthClose the lips can only meet by closing the jaw
            value = value - np.float32(parts["jawOpen"]) * curves.column("mouthClose")
        return value


@dataclass(frozen=True)
class Detection:
    """What was recognised among a head's keys: the convention, each channel's key, and the channels without one."""

    rig: RigMap | None
    keys: dict[str, str]  # channel → the head's key
    missing: tuple[str, ...]  # channels of the convention that the head has no key for
    given: tuple[str, ...]  # the names that were looked at

    def explain(self) -> str:
        """Coverage in one or two lines: what was found, what is missing, and what that means."""
        if self.rig is None:
            return self._explain_nothing()
        known = len(self.keys) + len(self.missing)
        line = f"{self.rig.title}: {len(self.keys)} of {known} keys found"
        if not self.missing:
            return line + "."
        lost = next(
            (why for name, why in CONSEQUENCES.items() if name in self.missing), "these channels will not show."
        )
        return f"{line}.\nMissing: {_listed(self.missing)}; {lost}"

    def _explain_nothing(self) -> str:
        if not self.given:
            return "No shape keys: give the head ARKit's 52 (jawOpen, eyeBlinkLeft, ...)."
        spelt = {_plain(control): control for rig in reversed(conventions()) for control in rig.weights}
        near = ((name, difflib.get_close_matches(_plain(name), spelt, 1, 0.8)) for name in self.given)
        hint = next(
            (f" {quoted(name)} may be meant as {quoted(spelt[match[0]])}." for name, match in near if match), ""
        )
        unknown = f"None of the {len(self.given)} keys has a name that is known ({_listed(self.given)})."
        return f"{unknown}{hint}\nRename them to ARKit's 52."


# What a head without a channel cannot do, the gravest first.
CONSEQUENCES = {
    "jawOpen": "the mouth cannot open.",
    "mouthClose": "lips will close by closing the jaw.",
    "eyeBlinkLeft": "it will not blink.",
}


def detect(names: Sequence[str]) -> Detection:
    """The convention that most of these key names follow, and what the head has of it."""
    given = tuple(names)
    best = max(conventions(), key=lambda rig: _fit(rig, given))
    found = best.match(given)
    if not found:
        return Detection(None, {}, channels.ARKIT, given)
    keys: dict[str, str] = {}
    for control, key in found.items():
        for channel in best.weights[control]:
            keys.setdefault(channel, key)
    carried = dict.fromkeys(channel for parts in best.weights.values() for channel in parts)
    return Detection(best, keys, tuple(name for name in carried if name not in keys), given)


@cache
def conventions() -> tuple[RigMap, ...]:
    """Every convention known, from the TOML files beside this one; the first wins a tie."""
    files = sorted(item.name for item in resources.files(__package__).iterdir() if item.name.endswith(".toml"))
    return tuple(_load(name) for name in files)


def _load(file: str) -> RigMap:
    table = tomllib.loads((resources.files(__package__) / file).read_text(encoding="utf-8"))
    weights = {key: {parts: 1.0} if isinstance(parts, str) else dict(parts) for key, parts in table["controls"].items()}
    return RigMap(file.removesuffix(".toml"), table["title"], weights)


def _fit(rig: RigMap, names: tuple[str, ...]) -> tuple[int, int]:
    found = rig.match(names)
    return len(found), sum(key.endswith(control) for control, key in found.items())


def _plain(key: str) -> str:
    return SEPARATORS.sub("", PREFIX.sub("", SUFFIX.sub("", key))).casefold()


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
