"""Eyes that look at a control: a bone before the face moves to where they are to look, as an animator would move it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np

from ...core import rotation
from ...core.curves import Array
from ..fcurves.targets import Strand
from . import standing
from .bones import Joint
from .facing import Facing
from .standing import LOCATION

CARRYING = {"ARMATURE", "CHILD_OF", "COPY_TRANSFORMS", "COPY_LOCATION"}


def strands_of(
    aims: Mapping[Joint, Array], head: tuple[Joint, Array] | None, look: Facing, first_frame: int | None
) -> list[Strand]:
    """Strands for the places of the controls that eyes look at; of a control for both, in the middle.

    `aims` is joint → the eye's turns, (T, 4), in the character's axes; `head` the head's, where it turns.
    """
    by_control: dict[tuple[Any, str], list[tuple[Joint, Array]]] = {}
    for joint, turns in aims.items():
        by_control.setdefault((joint.owner, joint.bone), []).append((joint, _offset(joint, turns, head, look)))
    strands = []
    for its in by_control.values():
        joint, path = its[0][0], its[0][0].path(LOCATION)
        rest = np.array(standing.rest_of(joint, LOCATION, path, joint.target().location), np.float32)
        moved = np.mean([offset for _, offset in its], axis=0, dtype=np.float32)
        placed = standing.under(joint, LOCATION, path, rest, len(moved), first_frame) + moved
        strands += [Strand(joint.owner, path, i, "Eyes", joint.role, placed[:, i]) for i in range(3)]
    return strands


def _offset(joint: Joint, turns: Array, head: tuple[Joint, Array] | None, look: Facing) -> Array:
    """How far the control is from its rest, (T, 3), in its own axes."""
    armature, control = joint.owner.block(), joint.target()
    axes = np.array(armature.matrix_world.to_quaternion().inverted().to_matrix() @ look.axes, np.float32)
    eye, there = (_point(armature, bone) for bone in (joint.pivot, joint.bone))
    ahead = rotation.applied(rotation.seen_from(axes, turns), there - eye)  # (T, 3), from the eye
    if head is None or head[0].owner != joint.owner or follows(armature, control, head[0].bone):
        offset = ahead + eye - there
    else:  # the control stays behind in the world, so it goes where head and eye together look
        turned, neck = rotation.seen_from(axes, head[1]), _point(armature, head[0].bone)
        offset = neck + _each(turned, ahead + eye - neck) - there
    own = np.array(control.bone.matrix_local.to_3x3(), np.float32) if control.bone.use_local_location else np.eye(3)
    return np.asarray(offset @ own, np.float32)


def _point(armature: bpy.types.Object, bone: str) -> Array:
    return np.array(armature.data.bones[bone].head_local, np.float32)


def _each(turns: Array, vectors: Array) -> Array:
    """Each vector, (T, 3), by its own turn."""
    pure = np.concatenate([np.zeros((len(vectors), 1)), vectors], axis=1)
    return rotation.product(rotation.product(turns, pure), rotation.inverse(turns))[:, 1:]


def follows(armature: bpy.types.Object, control: bpy.types.PoseBone, head: str) -> bool:
    """Whether a control is carried by the head's bone: as its child, or through constraints of bones above it."""
    bones = armature.pose.bones
    seen: set[str] = set()
    waiting = [control.name]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in bones:
            continue
        if name == head:
            return True
        seen.add(name)
        bone = bones[name]
        waiting += [bone.parent.name] if bone.parent else []
        waiting += [at for constraint in bone.constraints for at in _carriers(constraint)]
    return False


def _carriers(constraint: Any) -> list[str]:
    """The bones that a constraint makes its own one go with."""
    if constraint.type not in CARRYING or constraint.mute or constraint.influence == 0:
        return []
    if constraint.type == "ARMATURE":
        return [target.subtarget for target in constraint.targets if target.weight > 0]
    return [constraint.subtarget]
