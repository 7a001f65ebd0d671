"""How a bone or an object stands without a bake: where it was found, or where keys of the animator's own move it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bpy
import numpy as np
from mathutils import Quaternion

from ...core.curves import Array
from ..base import compat
from ..fcurves import nla, values
from ..fcurves.targets import BAKED
from .bones import Joint

# Custom properties of what moves: how it stood before its first bake, and the Action whose keys moved it then.
REST, SOURCE = "facewright_{}", "facewright_{}_keys"
ROTATION, LOCATION = "rotation", "location"
NOTED = tuple(name.format(kind) for name in (REST, SOURCE) for kind in (ROTATION, LOCATION))
# Custom property of a bake's Action: the same notes, a group for each bone, of a library override, with which Blender
# saves no custom property of its own.
STOOD, BONE = "facewright_stood", "bone"


def rest_of(joint: Joint, kind: str, path: str, now: Sequence[float]) -> list[float]:
    """The numbers of its rotation or location before its first bake: those of `now` unless a bake moves it already.

    They are noted on it, so that a second bake does not go on from the first.
    """
    target, block = joint.target(), joint.owner.block()
    action = block.animation_data.action if block.animation_data else None
    moving = action is not None and any(curve.data_path == path for curve in compat.curves_of(action, block))
    rest, source = REST.format(kind), SOURCE.format(kind)
    noted = notes_of(target, kind)
    if rest in noted and ((moving and BAKED in action) or nla.holds_bake(block, path)):
        return list(noted[rest])
    target[rest] = list(now)
    if moving and BAKED not in action:
        target[source] = action
    else:
        target.pop(source, None)
    return list(target[rest])


def notes_of(target: Any, kind: str) -> Mapping[str, Any]:
    """What bears the notes of a rotation or location: what moves itself, or an Action that goes with it."""
    block, bone = target.id_data, _bone(target)
    if REST.format(kind) in target or block.override_library is None:
        return target  # type: ignore[no-any-return]
    groups = (group for action in nla.bakes(block) for group in action.get(STOOD, ()) if group[BONE] == bone)
    return next((group for group in groups if REST.format(kind) in group), {})


def keep(block: Any, action: Any) -> None:
    """Repeats in a bake's Action what is noted on a library override that it moves."""
    if block.override_library is None or not isinstance(block, bpy.types.Object):
        return
    groups = []
    for target in (block, *(block.pose.bones if block.pose else ())):
        group = {name: bearer[name] for kind in (ROTATION, LOCATION) for bearer in (notes_of(target, kind),)
                 for name in (REST.format(kind), SOURCE.format(kind)) if name in bearer}  # fmt: skip
        if group:
            groups.append({BONE: _bone(target), **group})
    if groups:
        action[STOOD] = groups


def _bone(target: Any) -> str:
    """The name of what moves, if it is a bone."""
    return target.name if isinstance(target, bpy.types.PoseBone) else ""


def stood(target: Any, name: str) -> list[float] | None:
    """The numbers of a rotation or location of this name before its first bake; None if nothing tells."""
    kind = next((kind for kind in (ROTATION, LOCATION) if name.startswith(kind)), None)
    rest = notes_of(target, kind).get(REST.format(kind)) if kind else None
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
    source = notes_of(joint.target(), kind).get(SOURCE.format(kind))
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
