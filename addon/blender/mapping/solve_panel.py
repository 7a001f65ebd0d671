"""The panel of guesses: each key, what it seems to be, how sure that is; it only draws."""

from __future__ import annotations

from typing import Any

import bpy

from ...core.rigs.solve import SURE
from ..sidebar.panels import draw_text
from . import solve

ROWS = 10
PERCENT_UNITS = 1.9  # of the interface: wide enough for 100 %
WHAT_IT_IS = "For heads whose keys have names of their own: finds what each key does from how it moves the mesh."


class FACEWRIGHT_UL_guesses(bpy.types.UIList):
    """One guess, with its tick; the less sure, the greyer."""

    def draw_item(  # type: ignore[override]  # Blender takes it without the last two arguments
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: Any,
        item: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
    ) -> None:
        row = layout.row(align=True)
        row.prop(item, "use", text="")
        row.active = item.confidence >= SURE and not item.spare
        names = row.split(factor=0.45)
        names.label(text=item.key, translate=False)
        names.label(text=item.title, icon="SHAPEKEY_DATA" if item.is_mix else "NONE", translate=False)
        share = row.row()
        share.alignment, share.ui_units_x = "RIGHT", PERCENT_UNITS
        share.label(text=f"{int(100 * item.confidence)} %", translate=False)


class FACEWRIGHT_PT_guesses(bpy.types.Panel):
    """What keys of unknown names are for."""

    bl_label = "Guess from Shapes"
    bl_category = "Facewright"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_order = 31
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        kept = solve.guesses_of(context.scene)
        layout.operator(solve.FACEWRIGHT_OT_guess_mapping.bl_idname, icon="VIEWZOOM")
        if not len(kept.rows):
            draw_text(layout, context, WHAT_IT_IS, "INFO")
            return
        layout.template_list(FACEWRIGHT_UL_guesses.__name__, "", kept, "rows", kept, "active", rows=ROWS)
        if 0 <= kept.active < len(kept.rows):
            chosen = kept.rows[kept.active]
            draw_text(layout, context, f"{chosen.key}: {chosen.title}", "INFO")
            if chosen.spare:
                draw_text(layout, context, chosen.spare, "INFO")
        if kept.unknown:
            draw_text(layout, context, f"Like nothing on a face: {kept.unknown}", "INFO")
        row = layout.row(align=True)
        row.operator(solve.FACEWRIGHT_OT_guesses_accept.bl_idname, icon="CHECKMARK")
        row.operator(solve.FACEWRIGHT_OT_guesses_discard.bl_idname, icon="X")


CLASSES = (FACEWRIGHT_UL_guesses, FACEWRIGHT_PT_guesses)
