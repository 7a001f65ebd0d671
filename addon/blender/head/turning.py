"""Curves of head, eyes and jaw become rotations of bones and objects, on top of how the animator poses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mathutils import Quaternion

from ...core import channels, rotation
from ...core.curves import Array, Curves
from ..fcurves.targets import Strand
from . import aim, standing
from .bones import EYES, Choices, Joint, rotation_of
from .character import ancestors
from .facing import Facing
from .standing import ROTATION

GROUPS = {"head": "Head", "left_eye": "Eyes", "right_eye": "Eyes", "jaw": "Jaw"}
SHIFT_RAD = 0.1  # a jaw bone turns so far aside at jawLeft 1: 6 degrees bring the chin of a grown head about 1 cm


def strands_of(
    joints: Mapping[str, Joint], choices: Choices, look: Facing, curves: Curves, jaw: Array, first_frame: int | None
) -> list[Strand]:
    """A strand for every number of every joint's rotation; `jaw`, (T,), is how far a jaw bone opens, 0 to 1.

    From `first_frame` on, keys of the animator's own go on underneath: a head that looks aside nods there.
    """
    strands = []
    turns_of = {joint: _turns(role, choices, curves, jaw) for role, joint in joints.items()}
    for joint in [joint for joint in turns_of if not joint.pivot]:
        role, target = joint.role, joint.target()
        name, count = rotation_of(target)
        rest = Quaternion(standing.rest_of(joint, ROTATION, joint.path(name), target.matrix_basis.to_quaternion()))
        turns = rotation.seen_from(_own_axes(joint, target, rest, look), turns_of[joint])
        posed, near = _posed(joint, target, rest, len(turns), first_frame)
        numbers = _numbers(rotation.product(posed, turns), target.rotation_mode, near)
        path, group = joint.path(name), GROUPS[role]
        strands += [Strand(joint.owner, path, i, group, role, numbers[:, i]) for i in range(count)]
    aims = {joint: turns for joint, turns in turns_of.items() if joint.pivot}
    head = joints.get("head")
    return strands + aim.strands_of(aims, (head, turns_of[head]) if head else None, look, first_frame)


def _turns(role: str, choices: Choices, curves: Curves, jaw: Array) -> Array:
    """Quaternions, (T, 4), in the character's own axes."""
    none = np.zeros(len(curves.values), np.float32)
    if role == "head":
        gain = np.float32(choices.head_amount)
        yaw, pitch, roll = (
            rotation.limited(gain * curves.column(channel), limit)
            for channel, limit in zip(channels.HEAD, choices.head_limits, strict=True)
        )
        return rotation.turned(yaw, pitch, roll)
    if role in EYES:
        yaw, pitch = map(rotation.limited, eye_angles(curves, role), choices.eye_limits)
        return rotation.turned(yaw, pitch, none)
    aside = SHIFT_RAD * (curves.column("jawRight") - curves.column("jawLeft"))
    return rotation.turned(aside.astype(np.float32), np.float32(choices.jaw_angle) * jaw, none)


def eye_angles(curves: Curves, role: str) -> tuple[Array, Array]:
    """Yaw and pitch of an eye in radians, (T,): its own channels, or where a take has none, by its eyeLook shapes."""
    side = role.removesuffix("_eye")
    yaw, pitch = curves.column(f"{side}EyeYaw"), curves.column(f"{side}EyePitch")
    if yaw.any() or pitch.any():
        return yaw, pitch
    looks = {way: curves.column(f"eyeLook{way}{side.title()}") for way in ("In", "Out", "Up", "Down")}
    to_right, to_left = ("In", "Out") if side == "left" else ("Out", "In")
    unit = np.float32(channels.EYE_UNIT_RAD)
    return unit * (looks[to_right] - looks[to_left]), unit * (looks["Down"] - looks["Up"])


def _own_axes(joint: Joint, target: Any, rest: Quaternion, look: Facing) -> Array:
    """The character's axes as columns in the space in which the joint turns, whatever has turned it by now."""
    if joint.bone:
        armature = joint.owner.block().matrix_world.to_quaternion()
        now = armature @ target.bone.matrix_local.to_quaternion()
    else:
        before = (target.matrix_world @ target.matrix_basis.inverted()).to_quaternion()
        carries_face = look.mesh is not None and target in ancestors(look.mesh)
        now = before @ (target.matrix_basis.to_quaternion() if carries_face else rest)
    return np.array(now.inverted().to_matrix() @ look.axes, np.float32)


def _posed(joint: Joint, target: Any, rest: Quaternion, rows: int, first_frame: int | None) -> tuple[Array, Array]:
    """The rotation without a bake, (T, 4), and the numbers near which a mode with several readings is to stay."""
    name, _count = rotation_of(target)
    mode = target.rotation_mode
    numbers = np.array(standing.rotation_numbers(rest, name, mode), np.float32)
    values = standing.under(joint, ROTATION, joint.path(name), numbers, rows, first_frame)
    return _quaternions(values, mode), values[0]


def _quaternions(values: Array, mode: str) -> Array:
    if mode == "AXIS_ANGLE":
        return rotation.from_axis_angle(values)
    if mode != "QUATERNION":
        return rotation.from_euler(values, mode)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(np.where(length > 0, values / np.maximum(length, 1e-9), (1, 0, 0, 0)), np.float32)


def _numbers(turns: Array, mode: str, near: Array) -> Array:
    """The turns, (T, 4), as the numbers of a rotation mode."""
    if mode == "AXIS_ANGLE":
        return rotation.to_axis_angle(turns)
    return rotation.continuous(turns, near) if mode == "QUATERNION" else rotation.to_euler(turns, mode, near)
