"""The Takes panel; panels only draw."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from typing import Any, Literal

import bpy

from ..direction import properties
from ..takes import take_parts, takes
from ..takes.take_properties import FACEWRIGHT_PG_saved_take as Take
from . import rebake_operators, take_operators
from .panels import draw_text, letters_in

BESIDE_NAME = 146  # pixels of a row of the list that are no name, at 1x scale


class FACEWRIGHT_UL_takes(bpy.types.UIList):
    """Takes: which is shown, what it is called, whether it is kept"""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: Any,
        item: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
        _index: int,
        _flag: int,
    ) -> None:
        row = layout.row(align=True)
        icon: Literal["RADIOBUT_ON", "RADIOBUT_OFF"] = "RADIOBUT_ON" if takes.is_current(item) else "RADIOBUT_OFF"
        row.operator(take_operators.FACEWRIGHT_OT_take_show.bl_idname, text="", icon=icon, emboss=False).uid = item.uid
        row.prop(item, "name", text="", emboss=False)
        if all(take_parts.block_of(part) is None for part in item.parts):
            row.label(text="head gone", icon="ERROR")
        elif not take_parts.is_whole(item):
            row.label(text="keys deleted", icon="ERROR")
        else:
            side = row.row()
            side.alignment = "RIGHT"
            side.label(text=told_beside(item, letters_in(context, BESIDE_NAME)))
        row.prop(item, "is_kept", text="", icon="FAKE_USER_ON" if item.is_kept else "FAKE_USER_OFF", emboss=False)

    def draw_filter(self, context: bpy.types.Context, layout: bpy.types.UILayout) -> None:
        row = layout.row()
        row.prop(self, "filter_name", text="")
        row.prop(takes.of(context.scene), "of_head")

    def filter_items(self, context: bpy.types.Context, data: Any, name: str) -> tuple[Any, Any]:
        """Those of the chosen head, unless all are asked for, and of these the ones whose name fits."""
        found = getattr(data, name)
        flags = bpy.types.UI_UL_list.filter_items_by_name(self.filter_name, self.bitflag_filter_item, found, "name")
        flags = flags or [self.bitflag_filter_item] * len(found)
        head = properties.head_of(context)
        flags = [flag if takes.is_listed(data, take, head) else 0 for flag, take in zip(flags, found, strict=True)]
        return flags, []


def told_beside(take: Take, letters: int) -> str:
    """What a row tells beside the name: its seed where there is room; its number where the name's end is cut off."""
    seed = f"seed {take.seed}"
    if len(take.name) + 1 + len(seed) <= letters:
        return seed
    return "" if len(take.name) <= letters else str(take.number)


class FACEWRIGHT_PT_takes(bpy.types.Panel):
    """Takes of the chosen head: shown, compared, baked again."""

    bl_label = "Takes"
    bl_category = "Facewright"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_order = 20
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, held = self.layout, takes.of(context.scene)
        row = layout.row()
        row.template_list("FACEWRIGHT_UL_takes", "", held, "takes", held, "index", rows=4)
        column = row.column(align=True)
        column.operator("facewright.take_duplicate", text="", icon="ADD")
        column.operator("facewright.take_delete", text="", icon="REMOVE")
        column.separator()
        column.operator("facewright.take_compare", text="", icon="ARROW_LEFTRIGHT")
        column.operator("facewright.take_push_nla", text="", icon="NLA_PUSHDOWN")
        column.operator("facewright.take_tidy", text="", icon="BRUSH_DATA")
        if not len(held.takes):
            layout.label(text="Animate a line for the first take", icon="INFO")
            return
        if 0 <= held.index < len(held.takes):
            take = held.takes[held.index]
            told = f"take {take.name}: seed {take.seed}, frames {take.first} to {take.last}"
            draw_text(layout, context, told, "BLANK1")
        _draw_again(layout, held)
        _draw_keys(layout, held)


def _draw_again(layout: bpy.types.UILayout, held: Any) -> None:
    body = layout.column()
    body.use_property_split = True
    body.use_property_decorate = False
    body.prop(held, "span")
    if held.span != "TAKE":
        body.prop(held, "blend_s")
    body.prop(held, "asked")
    column = layout.column(align=True)
    column.operator(rebake_operators.FACEWRIGHT_OT_rebake.bl_idname, icon="FILE_REFRESH")
    column.operator(rebake_operators.FACEWRIGHT_OT_update_to_strip.bl_idname, icon="SEQ_SEQUENCER")


def _draw_keys(layout: bpy.types.UILayout, held: Any) -> None:
    header, body = layout.panel("facewright_keys", default_closed=True)
    header.label(text="Keys")
    if body is None:
        return
    column = body.column(align=True)
    row = column.row(align=True)
    row.operator("facewright.select_keys", text="Select Mine").whose = "MINE"
    row.operator("facewright.select_keys", text="Select Generated").whose = "GENERATED"
    row = column.row(align=True)
    row.operator("facewright.own_keys", text="Take Over").action = "LOCK"
    row.operator("facewright.own_keys", text="Give Back").action = "RELEASE"
    options = body.column()
    options.use_property_split = True
    options.use_property_decorate = False
    options.prop(held, "use_fewer_keys")
    if held.use_fewer_keys:
        options.prop(held, "error")
    options.prop(held, "most")


CLASSES = (FACEWRIGHT_UL_takes, FACEWRIGHT_PT_takes)
