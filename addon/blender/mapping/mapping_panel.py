"""The Mapping panel: which key each channel moves, as a table; it only draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ...core.errors import RigError
from ..direction import properties
from ..head import mapping_rows
from ..head.character import character_of
from ..sidebar.panels import draw_text
from . import mapping, mapping_files
from .mapping_solo import FACEWRIGHT_OT_mapping_solo, Shown

ROWS = 8
WHAT_IT_IS = (
    "Keys are found by their names. Give a row to each key that you want moved otherwise, or that is not found."
)


class FACEWRIGHT_UL_mapping(bpy.types.UIList):
    """One row: the channel, and the key that shows it, red where the head has no such key."""

    def draw_item(  # type: ignore[override]  # Blender takes seven arguments as well as nine
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: Any,
        item: mapping_rows.FACEWRIGHT_PG_mapping_row,
        _icon: int,
        _active_data: Any,
        _active_property: str,
    ) -> None:
        left, right = _halves(layout)
        left.label(text=item.channel or "no channel yet", translate=False)
        right.alert = item.key not in _state(context).names
        if right.alert:
            right.label(text=item.key or "no key yet", icon="ERROR", translate=False)
        else:
            right.label(text=item.key, translate=False)
        if (item.gain, item.offset, item.low, item.high, item.invert) != (1, 0, 0, 1, False):
            number = right.row()
            number.alignment = "RIGHT"
            number.label(text=f"{-item.gain if item.invert else item.gain:.2g}", translate=False)

    def filter_items(self, _context: bpy.types.Context, data: Any, name: str) -> tuple[list[int], list[int]]:  # type: ignore[override]
        """Rows whose channel or key has the letters that are searched for."""
        wanted, rows = self.filter_name.casefold(), getattr(data, name)
        shown = [wanted in row.channel.casefold() or wanted in row.key.casefold() for row in rows]
        return [self.bitflag_filter_item if hit else 0 for hit in shown], []


def _halves(layout: bpy.types.UILayout) -> tuple[bpy.types.UILayout, bpy.types.UILayout]:
    split = layout.split(factor=0.5, align=True)
    return split.row(align=True), split.row(align=True)


class FACEWRIGHT_MT_mapping(bpy.types.Menu):
    """What is done to the whole table."""

    bl_idname = "FACEWRIGHT_MT_mapping"
    bl_label = "Mapping"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator(mapping.FACEWRIGHT_OT_mapping_fill.bl_idname, icon="VIEWZOOM")
        layout.operator(mapping.FACEWRIGHT_OT_mapping_mirror.bl_idname, icon="MOD_MIRROR")
        layout.operator(mapping.FACEWRIGHT_OT_mapping_copy.bl_idname, icon="COPYDOWN")
        layout.separator()
        layout.operator(mapping_files.FACEWRIGHT_OT_mapping_import.bl_idname, icon="IMPORT")
        layout.operator(mapping_files.FACEWRIGHT_OT_mapping_export.bl_idname, icon="EXPORT")
        layout.separator()
        layout.operator(mapping.FACEWRIGHT_OT_mapping_clear.bl_idname, icon="X")


class FACEWRIGHT_PT_mapping(bpy.types.Panel):
    """Which key each channel moves."""

    bl_label = "Mapping"
    bl_category = "Facewright"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_order = 30
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, state = self.layout, _state(context)
        keeper: bpy.types.Object | None = bpy.data.objects.get(state.keeper) if state.keeper else None
        if keeper is None:
            draw_text(layout, context, state.problem, "INFO")
            return
        custom = mapping_rows.of(keeper)
        _draw_table(layout, custom)
        if not len(custom.rows):
            draw_text(layout, context, WHAT_IT_IS, "INFO")
            layout.operator(mapping.FACEWRIGHT_OT_mapping_fill.bl_idname, icon="VIEWZOOM")
            return
        if problem := _problem(keeper):
            draw_text(layout, context, problem, "ERROR", alert=True)
        _draw_row(layout, custom, state)
        _draw_whole(layout, custom)


def _draw_table(layout: bpy.types.UILayout, custom: mapping_rows.FACEWRIGHT_PG_mapping) -> None:
    """The rows, and below them their buttons: beside them they would take the room that names need."""
    column = layout.column(align=True)
    rows = ROWS if len(custom.rows) else 2
    column.template_list(FACEWRIGHT_UL_mapping.__name__, "", custom, "rows", custom, "active", rows=rows)
    row = column.row(align=True)
    row.operator(mapping.FACEWRIGHT_OT_mapping_add.bl_idname, text="", icon="ADD")
    row.operator(mapping.FACEWRIGHT_OT_mapping_remove.bl_idname, text="", icon="REMOVE")
    row.operator(mapping.FACEWRIGHT_OT_mapping_mirror.bl_idname, text="Mirror", icon="MOD_MIRROR")
    row.menu(FACEWRIGHT_MT_mapping.bl_idname, text="", icon="DOWNARROW_HLT")


def _draw_row(layout: bpy.types.UILayout, custom: mapping_rows.FACEWRIGHT_PG_mapping, state: _State) -> None:
    """The chosen row in full, and what it does on the head."""
    if Shown.channel:
        layout.progress(factor=abs(Shown.amount), text=f"{Shown.channel} {Shown.amount:.2f}")
    else:
        layout.operator(FACEWRIGHT_OT_mapping_solo.bl_idname, icon="HIDE_OFF")
    if not 0 <= custom.active < len(custom.rows):
        return
    row = custom.rows[custom.active]
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    column.prop(row, "channel")
    key = column.row()
    key.alert = row.key not in state.names
    key.prop(row, "key")
    numbers = column.column(align=True)
    numbers.prop(row, "gain")
    numbers.prop(row, "offset")
    limits = column.column(align=True)
    limits.prop(row, "low", text="Clamp Low")
    limits.prop(row, "high")
    column.prop(row, "invert")


def _draw_whole(layout: bpy.types.UILayout, custom: mapping_rows.FACEWRIGHT_PG_mapping) -> None:
    """What holds for all rows."""
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    column.prop(custom, "only")
    if any(row.channel == "mouthClose" for row in custom.rows):
        column.prop(custom, "closure")


@dataclass(frozen=True)
class _State:
    keeper: tuple[str, str | None] | None = None  # the object that keeps the mapping: its name, and its library's file
    names: frozenset[str] = frozenset()  # keys that the head has
    problem: str = ""


_cache: dict[tuple[str, str], _State] = {}  # (scene, head) → what is there; emptied when the scene changes


def forget() -> None:
    """What was found may have changed."""
    _cache.clear()


def _state(context: bpy.types.Context) -> _State:
    scene, head = context.scene, properties.head_of(context)
    key = (scene.name_full, head.name_full if head else "")
    if key not in _cache:
        _cache[key] = _looked_up(scene, head)
    return _cache[key]


def _looked_up(scene: bpy.types.Scene, head: bpy.types.Object | None) -> _State:
    try:
        character = character_of(scene, head)
        names = mapping_rows.names_on(scene, character)
    except RigError as error:
        return _State(problem=str(error))
    keeper = mapping_rows.holder(character)
    return _State((keeper.name, keeper.library.filepath if keeper.library else None), frozenset(names))


def _problem(keeper: bpy.types.Object) -> str:
    """What is wrong with the rows, if anything is."""
    try:
        mapping_rows.read(keeper)
    except RigError as error:
        return str(error)
    return ""


CLASSES = (FACEWRIGHT_UL_mapping, FACEWRIGHT_MT_mapping, FACEWRIGHT_PT_mapping)
