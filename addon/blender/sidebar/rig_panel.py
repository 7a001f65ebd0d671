"""The Rig panel: what turns on a character and how far, and what its keys show of every channel."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import bpy

from ...core.errors import FacewrightError
from ...core.rigs import Fate
from ..base.reporting import refuse
from ..direction import properties
from ..head import bones, rig, rig_properties
from ..head.bones import EYES, TITLES, Joint
from ..head.character import Character, character_of
from . import panels

if TYPE_CHECKING:
    from ..base.reporting import Outcome

FATES = {
    Fate.COVERED: ("Covered", "CHECKMARK"),
    Fate.APPROXIMATED: ("Approximated", "INFO"),
    Fate.FOLDED: ("Folded into another", "INFO"),
    Fate.LOST: ("Lost", "ERROR"),
}


class FACEWRIGHT_OT_widen(bpy.types.Operator):
    """Give the head's keys the range that its speech needs, where their sliders cut it off"""

    bl_idname = "facewright.widen_ranges"
    bl_label = "Widen Ranges"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        found = panels.found_of(context.scene, properties.head_of(context))
        if found is None or not found.cut:
            cls.poll_message_set("No key of this head is held back by its range")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Widens, never narrows."""
        try:
            widened = rig.widen(rig.examine(context.scene, properties.head_of(context)))
        except FacewrightError as error:
            return refuse(self, str(error))
        panels.forget_coverage()
        self.report({"INFO"}, f"Widened {widened} keys")
        return {"FINISHED"}


class FACEWRIGHT_PT_rig(bpy.types.Panel):
    """Pickers for head, eyes and jaw, their limits, and what becomes of every channel."""

    bl_label = "Rig"
    bl_category = "Facewright"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 40

    def draw(self, context: bpy.types.Context) -> None:
        layout, head = self.layout, properties.head_of(context)
        try:
            character = character_of(context.scene, head)
        except FacewrightError as error:
            panels.draw_text(layout, context, str(error), "INFO")
            return
        found = panels.found_of(context.scene, head)
        choices: rig_properties.FACEWRIGHT_PG_rig = getattr(character.root, rig_properties.PROPERTY)
        column = layout.column()
        column.enabled = character.root.is_editable
        used = found.joints if found else {}
        _draw_head(column, choices, character, used)
        _draw_eyes(column, choices, character, used)
        _draw_jaw(column, choices, character, used)
        if found is not None:
            _draw_coverage(layout, context, found)


def _draw_head(layout: Any, choices: Any, character: Character, used: dict[str, Joint]) -> None:
    box = layout.box().column()
    box.prop(choices, "turns_head")
    column = box.column()
    column.active = choices.turns_head
    _draw_pick(column, choices, character, "head")
    if "head" not in used:
        _say(column, "Nothing turns: pick a bone or an object" if choices.turns_head else "The head stays still")
    limits = column.column(align=True)
    limits.active = "head" in used
    limits.prop(choices, "head_amount", slider=True)
    for name in ("head_yaw", "head_pitch", "head_roll"):
        limits.prop(choices, name)


def _draw_eyes(layout: Any, choices: Any, character: Character, used: dict[str, Joint]) -> None:
    box = layout.box().column()
    box.prop(choices, "eyes")
    column = box.column()
    column.active = choices.eyes != "KEYS"
    for role in EYES:
        _draw_pick(column, choices, character, role)
    if not used.keys() & set(EYES):
        _say(column, "The eyes move by their keys alone" if choices.eyes in {"AUTO", "KEYS"} else "No eye can turn")
    limits = column.column(align=True)
    limits.active = bool(used.keys() & set(EYES))
    limits.prop(choices, "eye_yaw")
    limits.prop(choices, "eye_pitch")


def _draw_jaw(layout: Any, choices: Any, character: Character, used: dict[str, Joint]) -> None:
    box = layout.box().column()
    box.prop(choices, "jaw_by")
    column = box.column()
    column.active = choices.jaw_by != "KEYS"
    _draw_pick(column, choices, character, "jaw")
    if "jaw" not in used:
        _say(column, "The jaw moves by its keys alone" if choices.jaw_by in {"AUTO", "KEYS"} else "No jaw can turn")
    limit = column.column()
    limit.active = "jaw" in used
    limit.prop(choices, "jaw_angle")


def _draw_pick(layout: Any, choices: Any, character: Character, role: str) -> None:
    """Object and bone, each with what was found by name where nothing is picked."""
    pick = getattr(choices, role)
    obj, bone, _pivot = next(bones.named(character, role), (character.armature, "", ""))
    split = layout.split(factor=0.28)
    split.label(text=TITLES[role].title())
    row = split.row(align=True)
    row.prop(pick, "object", text="", placeholder=obj.name if obj else "Object")
    if (carrier := pick.object or obj) is not None and carrier.type == "ARMATURE":
        row.prop(pick, "bone", text="", icon="BONE_DATA", placeholder=bone or "Bone")


def _draw_coverage(layout: Any, context: bpy.types.Context, found: rig.Head) -> None:
    if found.cut:
        layout.operator(FACEWRIGHT_OT_widen.bl_idname, icon="ARROW_LEFTRIGHT")
    channels_of = {fate: found.detection.having(fate) for fate in Fate}
    header, body = layout.panel("facewright_coverage", default_closed=True)
    shown = len(channels_of[Fate.COVERED])
    header.label(text=f"Channels: {shown} of {sum(map(len, channels_of.values()))} covered")
    if body is None:
        return
    for fate, (title, icon) in FATES.items():
        if channels_of[fate]:
            column = body.column(align=True)
            column.label(text=f"{title}: {len(channels_of[fate])}", icon=icon)
            if fate is not Fate.COVERED:
                _say_more(column, context, ", ".join(channels_of[fate]))


def _say(layout: Any, text: str) -> None:
    layout.label(text=text, icon="INFO")


def _say_more(layout: Any, context: bpy.types.Context, text: str) -> None:
    width = context.region.width / context.preferences.system.ui_scale
    column = layout.column(align=True)
    column.scale_y = 0.8
    for line in textwrap.wrap(text, max(16, int((width - 60) / panels.PIXELS_A_LETTER))):
        column.label(text=line, icon="BLANK1", translate=False)


CLASSES = (FACEWRIGHT_OT_widen, FACEWRIGHT_PT_rig)
