"""Head, eyes and jaw as bones or objects: which they are, and whether they may be turned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import radians
from typing import Any

import bpy
from mathutils import Vector

from ...core.rigs.joints import joints_named
from ..fcurves.targets import Owner, bone_path, owner_of
from .character import Character, ancestors, pose_bones
from .protection import MOVING, TURNING, Blocked, closed_object, closed_path, constrained

TITLES = {"head": "head", "left_eye": "left eye", "right_eye": "right eye", "jaw": "jaw"}
EYES = ("left_eye", "right_eye")
LOOKING = {"DAMPED_TRACK", "LOCKED_TRACK", "TRACK_TO"}
BY_MODE = {"QUATERNION": ("rotation_quaternion", 4), "AXIS_ANGLE": ("rotation_axis_angle", 4)}
PIVOT_INSIDE = 0.35  # of an eye's size: an origin further off its middle is no pivot


Turning = tuple[bpy.types.Object, str, str]  # an object, its bone and the bone that looks at that; or "", "" alone


@dataclass(frozen=True)
class Pick:
    """What the user chose for a role; nothing in it means: found by name."""

    object: str = ""
    bone: str = ""


@dataclass(frozen=True)
class Choices:
    """How a character's bones are used: chosen in the panel, kept on the character."""

    picks: Mapping[str, Pick] = field(default_factory=dict)
    turns_head: bool = True
    head_amount: float = 1.0
    head_limits: tuple[float, float, float] = (radians(60), radians(40), radians(30))  # of yaw, pitch and roll
    eyes: str = "AUTO"  # KEYS, BONES or BOTH; AUTO turns bones where no key looks aside
    eye_limits: tuple[float, float] = (radians(35), radians(25))  # of yaw and pitch
    jaw: str = "AUTO"  # KEYS, BONES or BOTH; AUTO turns a bone where no key opens the mouth
    jaw_angle: float = radians(20)  # at jawOpen 1


@dataclass(frozen=True)
class Joint:
    """A bone, or an object, that shows one role by turning."""

    role: str
    owner: Owner
    bone: str  # "" where the object itself turns
    pivot: str = ""  # the bone that looks at `bone`, which then moves instead of turning

    def target(self) -> Any:
        """The pose bone or the object."""
        obj = self.owner.block()
        return obj.pose.bones[self.bone] if self.bone else obj

    def path(self, name: str) -> str:
        """The data path of one of its properties."""
        return bone_path(self.bone, f".{name}") if self.bone else name

    @property
    def label(self) -> str:
        """What an animator calls it."""
        return self.bone or self.owner.name


def rotation_of(target: Any) -> tuple[str, int]:
    """The property that holds its rotation in its own mode, and how many numbers that has."""
    return BY_MODE.get(target.rotation_mode, ("rotation_euler", 3))


def joints_of(
    scene: bpy.types.Scene, character: Character, choices: Choices, roles: Iterable[str]
) -> tuple[dict[str, Joint], Blocked]:
    """Role, of those asked for → the joint that may be turned; and, by the reason, what was found and may not."""
    joints: dict[str, Joint] = {}
    blocked: Blocked = {}
    for role in roles:
        pick = choices.picks.get(role, Pick())
        offered = list(_picked(scene, character, role, pick) if pick != Pick() else named(character, role))
        if not offered and pick != Pick():
            wanted = pick.bone or pick.object
            blocked.setdefault("not there; choose another in Rig", []).append((wanted, f"the {TITLES[role]}"))
        closed = [(*found, closed_joint(*found)) for found in offered]
        free = next((row for row in closed if row[-1] is None), None)
        if free is not None:
            joints[role] = Joint(role, owner_of(free[0]), free[1], free[2])
        elif closed:
            obj, bone, _pivot, reason = closed[0]
            blocked.setdefault(reason, []).append((bone or obj.name, obj.name))
    return joints, blocked


def _picked(scene: bpy.types.Scene, character: Character, role: str, pick: Pick) -> Iterator[Turning]:
    obj = scene.objects.get(pick.object) if pick.object else character.armature
    if obj is None:
        return
    if obj.type != "ARMATURE":
        yield obj, "", ""
        return
    here = pose_bones(obj)
    bones = [pick.bone] if pick.bone else joints_named(here)[role]
    yield from (_seen(obj, bone, role) for bone in bones if bone in here)


def named(character: Character, role: str) -> Iterator[Turning]:
    """What a character has for a role by its name, the best first: bones of its armature, then objects."""
    armature = character.armature
    if armature is not None:
        yield from (_seen(armature, bone, role) for bone in joints_named(pose_bones(armature))[role])
    objects = {obj.name: obj for obj in _turnable(character, role)}
    yield from ((objects[name], "", "") for name in joints_named(objects)[role])


def unnamed(character: Character) -> bpy.types.Object | None:
    """The Empty that carries the whole face, of a character that has nothing named like a head."""
    if character.armature is not None or any(named(character, "head")):
        return None
    return next(_turnable(character, "head"), None)


def _seen(armature: bpy.types.Object, bone: str, role: str) -> Turning:
    """The bone; or where an eye looks at a control, the control and the eye, whichever of the two was meant."""
    here = pose_bones(armature)
    looking = {name: at for name, eye in here.items() if (at := _looks_at(armature, eye)) is not None}
    if role not in EYES or bone not in {*looking, *looking.values()}:
        return armature, bone, ""
    if bone in looking:
        return armature, looking[bone], bone
    eyes = [name for name, at in looking.items() if at == bone]
    known = joints_named(eyes)[role]
    return armature, bone, [*known, *eyes][0]


def _looks_at(armature: bpy.types.Object, eye: bpy.types.PoseBone) -> str | None:
    """The bone of the same armature that a bone is made to look at."""
    constraints: Any = eye.constraints
    for constraint in constraints:
        if constraint.type in LOOKING and not constraint.mute and constraint.influence > 0:
            at: str = constraint.subtarget
            if constraint.target == armature and at in armature.pose.bones:
                return at
    return None


def _turnable(character: Character, role: str) -> Iterator[bpy.types.Object]:
    """Objects that would turn as the role does: what carries all of the face, or an eyeball about its middle."""
    if role == "head":
        carriers = dict.fromkeys(parent for mesh in character.meshes for parent in ancestors(mesh)[1:])
        meshes = [mesh for mesh in character.meshes if mesh.find_armature() is None]
        yield from (
            obj
            for obj in carriers
            if obj.type == "EMPTY"
            and len(meshes) == len(character.meshes)
            and all(obj in ancestors(mesh) for mesh in meshes)
        )
    elif role in EYES:
        turning = [obj for obj in character.objects if obj.type in {"EMPTY", "MESH"}]
        yield from (obj for obj in turning if any(_is_ball(ball) for ball in (obj, *obj.children)))


def _is_ball(obj: bpy.types.Object) -> bool:
    if obj.type != "MESH":
        return False
    corners = [Vector(corner) for corner in obj.bound_box]
    size = max((corners[6] - corners[0]).to_tuple())
    middle = (corners[6] + corners[0]) / 2
    return size > 0 and middle.length < PIVOT_INSIDE * size


def closed_joint(obj: bpy.types.Object, bone: str, pivot: str) -> str | None:
    """Why a bone of an object, or the object itself, may not be turned, or moved for a pivot; None if it may."""
    target = obj.pose.bones[bone] if bone else obj
    why = closed_path(obj)
    name, count = ("location", 3) if pivot else rotation_of(target)
    path = bone_path(bone, f".{name}") if bone else name
    reasons = (why(path, index) for index in range(count))
    locks: Any = target.lock_location if pivot else target.lock_rotation
    held = f"its {'location' if pivot else 'rotation'} is locked in the Item tab" if all(locks) else None
    closed = closed_object(obj) or next((reason for reason in reasons if reason), None) or held
    return closed or constrained(target.constraints, MOVING if pivot else TURNING)
