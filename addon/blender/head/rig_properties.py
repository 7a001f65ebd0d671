"""How a character's head, eyes and jaw turn: chosen by the user and kept on the character itself."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
import math
from typing import Any, Literal

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    PointerProperty,
    StringProperty,
)

from ...core.rigs.joints import ROLES
from .bones import Choices, Pick
from .character import character_of, pose_bones

PROPERTY = "facewright_rig"  # where the choices are kept: object.facewright_rig
DEFAULTS = Choices()
KEPT: set[Literal["LIBRARY_OVERRIDABLE"]] = {"LIBRARY_OVERRIDABLE"}


def _chosen(self: Any, _context: bpy.types.Context) -> None:
    """Lets whoever remembers what was found of the head look again; the character itself has not moved."""
    self.id_data.update_tag(refresh={"OBJECT"})


def _bone_names(pick: Any, context: bpy.types.Context, _text: str) -> list[str]:
    """The bones of the object that was picked, else of the character's armature."""
    armature = pick.object or character_of(context.scene, pick.id_data).armature
    return list(pose_bones(armature)) if armature is not None else []


def _angle(default: float, name: str, description: str, most_deg: float) -> FloatProperty:
    return FloatProperty(
        name=name,
        description=description,
        default=default,
        min=0,
        max=math.radians(most_deg),
        subtype="ANGLE",
        options=set(),
        override=KEPT,
        update=_chosen,
    )


def _by(name: str, keys: str, bones: str) -> EnumProperty:
    """How a part moves where a rig may have both keys and bones for it."""
    return EnumProperty(
        name=name,
        items=(
            ("AUTO", "Automatic", f"By {keys} where the head has them, else by {bones}"),
            ("KEYS", "Keys", f"By {keys} alone"),
            ("BONES", "Bones", f"By {bones}, and {keys} stay at rest"),
            ("BOTH", "Both", f"By {keys} and by {bones}: where the keys move the skin alone"),
        ),
        options=set(),
        override=KEPT,
        update=_chosen,
    )


class FACEWRIGHT_PG_pick(bpy.types.PropertyGroup):
    """A bone or an object for one role."""

    object: PointerProperty(
        name="Object",
        description="What turns: an armature, or any other object. Empty: found by name",
        type=bpy.types.Object,
        override=KEPT,
        update=_chosen,
    )
    bone: StringProperty(
        name="Bone",
        description="The bone that turns. Empty: found by name",
        search=_bone_names,
        options=set(),
        override=KEPT,
        update=_chosen,
    )


class FACEWRIGHT_PG_rig(bpy.types.PropertyGroup):
    """What turns on a character, and how far."""

    head: PointerProperty(type=FACEWRIGHT_PG_pick, override=KEPT)
    left_eye: PointerProperty(type=FACEWRIGHT_PG_pick, override=KEPT)
    right_eye: PointerProperty(type=FACEWRIGHT_PG_pick, override=KEPT)
    jaw: PointerProperty(type=FACEWRIGHT_PG_pick, override=KEPT)
    turns_head: BoolProperty(
        name="Turn the Head",
        description="Nods and turns go to the head's bone or object",
        default=DEFAULTS.turns_head,
        options=set(),
        override=KEPT,
        update=_chosen,
    )
    head_amount: FloatProperty(
        name="Amount",
        description="How much of the head's motion this character shows",
        default=DEFAULTS.head_amount,
        min=0,
        max=2,
        subtype="FACTOR",
        options=set(),
        override=KEPT,
        update=_chosen,
    )
    head_yaw: _angle(DEFAULTS.head_limits[0], "Turn Limit", "The head never turns further aside", 90)
    head_pitch: _angle(DEFAULTS.head_limits[1], "Nod Limit", "The head never nods further up or down", 90)
    head_roll: _angle(DEFAULTS.head_limits[2], "Tilt Limit", "The head never leans further to a shoulder", 90)
    eyes: _by("Eyes", "eyeLook keys", "eye bones")
    eye_yaw: _angle(DEFAULTS.eye_limits[0], "Aside Limit", "The eyes never look further aside", 60)
    eye_pitch: _angle(DEFAULTS.eye_limits[1], "Up/Down Limit", "The eyes never look further up or down", 60)
    jaw_by: _by("Jaw", "jawOpen", "the jaw bone")
    jaw_angle: _angle(DEFAULTS.jaw_angle, "Open By", "How far the jaw bone turns at jawOpen 1", 45)


def choices_of(root: bpy.types.Object) -> Choices:
    """What was chosen for a character."""
    rig: FACEWRIGHT_PG_rig | None = getattr(root, PROPERTY, None)
    if rig is None:
        return DEFAULTS  # a script uses the bake without the extension
    picks = {}
    for role in ROLES:
        pick: FACEWRIGHT_PG_pick = getattr(rig, role)
        if pick.object is not None or pick.bone:
            picks[role] = Pick(pick.object.name if pick.object else "", pick.bone)
    return Choices(
        picks=picks,
        turns_head=rig.turns_head,
        head_amount=rig.head_amount,
        head_limits=(rig.head_yaw, rig.head_pitch, rig.head_roll),
        eyes=rig.eyes,
        eye_limits=(rig.eye_yaw, rig.eye_pitch),
        jaw=rig.jaw_by,
        jaw_angle=rig.jaw_angle,
    )


def attach() -> None:
    """Gives every object room for its choices."""
    setattr(bpy.types.Object, PROPERTY, PointerProperty(type=FACEWRIGHT_PG_rig, override=KEPT))


def detach() -> None:
    """Takes it back."""
    delattr(bpy.types.Object, PROPERTY)


CLASSES = (FACEWRIGHT_PG_pick, FACEWRIGHT_PG_rig)
