"""Conventions from TOML.

title       what the user reads
family      its place in the documentation's table
closure     what its lip-closing control means: "relative" (the default), "absolute" or "share"; see RigMap
span        the range of its values, [0, 1] unless told
approximate channels that it only comes near to
idle        its other keys: they help to recognise it and are never written
telling     keys of which a head must have one, for a convention whose other names are others' too
like        another convention whose controls these are; `spelling` says how names differ: "!ex-{}"
[controls]  control = "channel", or a weighted sum { channel = weight, ... }
[instead]   the same, used on a head where none of those channels has a key of its own
[visemes]   key = a pose of poses.toml, or a pose written out
[aliases]   control = [other spellings]
"""

from __future__ import annotations

import math
import tomllib
from functools import cache
from importlib import resources
from typing import Any, get_args

from .. import channels
from ..errors import RigError, quoted
from .rigmap import Closure, RigMap, Weights

POSES = "poses.toml"
FIRST = "arkit.toml"  # wins a tie
FIELDS = {"title", "family", "closure", "span", "approximate", "idle", "telling", "like", "spelling"}
TABLES = {"controls", "instead", "visemes", "aliases"}


@cache
def conventions() -> tuple[RigMap, ...]:
    """Every convention known, from the TOML files beside this one; the first wins a tie."""
    found = [item.name for item in resources.files(__package__).iterdir() if item.name.endswith(".toml")]
    files = sorted((name for name in found if name != POSES), key=lambda name: (name != FIRST, name))
    return tuple(convention(name.removesuffix(".toml")) for name in files)


@cache
def convention(name: str) -> RigMap:
    """One convention by its file's name."""
    return parse(name, _text(f"{name}.toml"))


def parse(name: str, text: str) -> RigMap:
    """The convention that this TOML describes; a RigError names the entry, channel, weight or pose that is unknown."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RigError(f"the convention {quoted(name)} is no TOML: {error}") from error
    for entry in table.keys() - FIELDS - TABLES:
        raise RigError(f"the convention {quoted(name)} has an unknown entry {quoted(entry)}; known are {_known()}")
    closure = table.get("closure", "relative")
    if closure not in get_args(Closure):
        raise RigError(f"closure in {quoted(name)} is one of {', '.join(get_args(Closure))}, not {quoted(closure)}")
    low, high = table.get("span", (0, 1))
    return RigMap(
        name=name,
        title=str(table.get("title", name)),
        weights=_like(table) | _weights(name, table.get("controls", {})),
        visemes={key: _pose(name, pose) for key, pose in table.get("visemes", {}).items()},
        instead=_weights(name, table.get("instead", {})),
        aliases={key: tuple(others) for key, others in table.get("aliases", {}).items()},
        idle=tuple(table.get("idle", ())),
        telling=tuple(table.get("telling", ())),
        approximate=frozenset(table.get("approximate", ())),
        closure=closure,
        span=(float(low), float(high)),
        family=table.get("family", ""),
    )


def _like(table: dict[str, Any]) -> Weights:
    spelling = table.get("spelling", "{}")
    model = convention(table["like"]).weights if "like" in table else {}
    return {spelling.format(control): parts for control, parts in model.items()}


def _weights(name: str, controls: dict[str, Any]) -> Weights:
    return {control: _checked(name, control, parts) for control, parts in controls.items()}


def _checked(name: str, control: str, parts: Any) -> dict[str, float]:
    """Channel → weight, from a channel's name or a table of weights."""
    weights: dict[str, Any] = {parts: 1.0} if isinstance(parts, str) else dict(parts)
    for channel, weight in weights.items():
        if channel not in channels.ALL:
            raise RigError(f"{quoted(control)} in {quoted(name)} names {quoted(channel)}, which is no channel")
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not math.isfinite(weight):
            raise RigError(f"{quoted(control)} in {quoted(name)} has the weight {weight!r} for {channel}, not a number")
    return {channel: float(weight) for channel, weight in weights.items()}


def _pose(name: str, pose: Any) -> dict[str, float]:
    if isinstance(pose, str):
        if pose not in poses():
            raise RigError(f"the convention {quoted(name)} names the pose {quoted(pose)}, which {POSES} does not have")
        return poses()[pose]
    return _both_sides(name, pose)


@cache
def poses() -> dict[str, dict[str, float]]:
    """The poses that conventions name: pose → channel → weight."""
    return {key: _both_sides(POSES, pose) for key, pose in tomllib.loads(_text(POSES))["poses"].items()}


def _both_sides(name: str, pose: dict[str, Any]) -> dict[str, float]:
    """The pose with every name that is no channel by itself given to left and right."""
    sided: dict[str, Any] = {}
    for part, weight in pose.items():
        sides = (part,) if part in channels.ALL else (f"{part}Left", f"{part}Right")
        sided |= dict.fromkeys(sides, weight)
    return _checked(name, "pose", sided)


def _known() -> str:
    return ", ".join(sorted(FIELDS | TABLES))


def _text(file: str) -> str:
    return (resources.files(__package__) / file).read_text(encoding="utf-8")
