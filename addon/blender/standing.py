"""How a bone or an object stands without a bake: where it was found, or where keys of the animator's own move it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mathutils import Quaternion

from ..core.curves import Array
from . import compat, nla, values
from .bones import Joint
from .targets import BAKED

# Custom properties of what moves: how it stood before its first bake, and the Action whose keys moved it then.
REST, SOURCE = "facewright_{}", "facewright_{}_keys"
ROTATION, LOCATION = "rotation", "location"
NOTED = tuple(name.format(kind) for name in (REST, SOURCE) for kind in (ROTATION, LOCATION))


def rest_of(joint: Joint, kind: str, path: str, now: Sequence[float]) -> list[float]:
    """The numbers of its rotation or location before its first bake: those of `now` unless a bake moves it already.

    They are noted on it, so that a second bake does not go on from the first.
    """
    target, block = joint.target(), joint.owner.block()
    action = block.animation_data.action if block.animation_data else None
    moving = action is not None and any(curve.data_path == path for curve in compat.curves_of(action, block))
    rest, source = REST.format(kind), SOURCE.format(kind)
    if not (rest in target and ((moving and BAKED in action) or nla.holds_bake(block, path))):
        target[rest] = list(now)
        if moving and BAKED not in action:
            target[source] = action
        else:
            target.pop(source, None)
    return list(target[rest])


def stood(target: Any, name: str) -> list[float] | None:
    """The numbers of a rotation or location of this name before its first bake; None if nothing tells."""
    kind = next((kind for kind in (ROTATION, LOCATION) if name.startswith(kind)), None)
    rest = target.get(REST.format(kind)) if kind else None
    if rest is None:
        return None
    return rotation_numbers(Quaternion(rest), name, target.rotation_mode) if kind == ROTATION else list(rest)


def stood_at(block: Any, path: str, index: int) -> float | None:
    """What a property of a data-block was before its first bake; None if nothing tells."""
    if values.is_custom(path):
        return 0.0
    owner, name = values.parted(block, path)
    before = stood(owner, name)
    if before is not None and index < len(before):
        return before[index]
    return None if name.startswith(ROTATION) else 0.0


def rotation_numbers(turn: Any, name: str, mode: str) -> list[float]:
    """A quaternion as the numbers of the property of this name, where a target's rotation mode is `mode`."""
    if name == "rotation_euler":
        return list(turn.to_euler("XYZ" if mode in {"QUATERNION", "AXIS_ANGLE"} else mode))
    return [turn.angle, *turn.axis] if name == "rotation_axis_angle" else list(turn)


def under(joint: Joint, kind: str, path: str, numbers: Array, rows: int, first_frame: int | None) -> Array:
    """The numbers, (1, N), or where the animator has keyed them, (T, N): one row a frame from the first frame on."""
    source = joint.target().get(SOURCE.format(kind))
    curves = compat.curves_at(source, path) if source is not None and first_frame is not None else []
    if not curves and first_frame is not None:
        played = nla.played(joint.owner.block(), path, numbers, range(first_frame, first_frame + rows))
        if played is not None:
            return played
    values = np.tile(numbers, (rows if curves else 1, 1))
    for curve in curves:
        if curve.array_index < len(numbers):
            values[:, curve.array_index] = [curve.evaluate(frame) for frame in range(first_frame, first_frame + rows)]
    return values
