"""The Layers panel and a panel in it for every layer, drawn from the core's settings; panels only draw."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty

from ...core import emotions
from ...core.errors import quoted
from ...core.settings import Settings
from ..direction import directing, layer_properties, preview, properties
from ..direction.layer_properties import SECTIONS, options
from ..direction.preview_operators import (
    FACEWRIGHT_OT_preview,
    FACEWRIGHT_OT_preview_apply,
    FACEWRIGHT_OT_preview_leave,
)
from .panels import draw_text

if TYPE_CHECKING:
    from ..base.reporting import Outcome

TITLES = {
    "articulation": "Jaw and Lips",
    "smooth": "Smoothing",
    "emotion": "Emotion",
    "brows": "Brows and Cheeks",
    "breath": "Breath",
    "micro": "Micro-Expressions",
    "head": "Head",
    "gaze": "Gaze",
    "blink": "Blinks",
}


class FACEWRIGHT_OT_layer_reset(bpy.types.Operator):
    """Set this layer's sliders back to how they came"""

    bl_idname = "facewright.layer_reset"
    bl_label = "Reset Layer"
    bl_options = {"UNDO", "INTERNAL"}

    layer: EnumProperty(
        name="Layer",
        description="The layer to reset",
        items=[(section, TITLES.get(section, layer_properties.title(section)), "") for section in SECTIONS],
    )

    def execute(self, context: bpy.types.Context) -> "Outcome":
        """Resets one layer; keys on its sliders stay."""
        layer_properties.write(properties.choices_of(context.scene).layers, Settings(), (self.layer,))
        return {"FINISHED"}


class FACEWRIGHT_PT_layers(bpy.types.Panel):
    """Preset, seed, preview; the layers themselves are panels within."""

    bl_label = "Layers"
    bl_category = "Facewright"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 10

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        chosen = properties.choices_of(context.scene)
        column = layout.column(align=True)
        column.menu("FACEWRIGHT_MT_presets", text="Presets", icon="PRESET")
        row = column.row(align=True)
        row.prop(chosen, "seed")
        row.operator("facewright.another_seed", text="", icon="FILE_REFRESH")
        shown = preview.current()
        row = layout.row(align=True)
        row.scale_y = 1.3
        if shown is None:
            row.operator(FACEWRIGHT_OT_preview.bl_idname, text="Preview", icon="HIDE_OFF")
        else:
            row.operator(FACEWRIGHT_OT_preview_apply.bl_idname, text="Apply Preview", icon="CHECKMARK")
            row.operator(FACEWRIGHT_OT_preview_leave.bl_idname, text="", icon="X")


class FACEWRIGHT_PT_layer_remarks(bpy.types.Panel):
    """What there is to tell of a preview: below the layers, so that they stay where they are."""

    bl_label = "Preview"
    bl_category = "Facewright"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_parent_id = "FACEWRIGHT_PT_layers"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return preview.current() is not None

    def draw(self, context: bpy.types.Context) -> None:
        shown = preview.current()
        draw_text(
            self.layout,
            context,
            f"{quoted(shown.head)} speaks {quoted(shown.line.name)}; nothing is keyed yet",
            "HIDE_OFF",
        )
        if shown.error:
            draw_text(self.layout, context, shown.error, "ERROR", alert=True)
        for note in shown.notes:
            draw_text(self.layout, context, note, "INFO")


class _LayerPanel(bpy.types.Panel):
    """One layer: its amount, its options, its seed, and a way back."""

    bl_category = "Facewright"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_parent_id = "FACEWRIGHT_PT_layers"
    bl_options = {"DEFAULT_CLOSED"}
    section = ""

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        row = self.layout.row(align=True)
        row.emboss = "NONE"
        row.enabled = not layer_properties.is_default(properties.choices_of(context.scene).layers, self.section)
        operator: Any = row.operator(FACEWRIGHT_OT_layer_reset.bl_idname, text="", icon="LOOP_BACK")
        operator.layer = self.section

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        chosen = properties.choices_of(context.scene)
        group = getattr(chosen.layers, self.section)
        layout.use_property_decorate = False
        if self.section == "emotion":
            _draw_emotion(layout, context, chosen)
        if self.section == "gaze":
            layout.prop(chosen, "look_at", icon="CON_TRACKTO")
        layout.prop(group, "amount", slider=True)
        column = layout.column()
        column.active = group.amount > 0
        for item in options(self.section):
            if item.name not in (*emotions.NAMES, "track", "amount"):
                column.prop(group, item.name, slider=item.name != "seed")


def _draw_emotion(layout: bpy.types.UILayout, context: bpy.types.Context, chosen: Any) -> None:
    """The eight emotions, which can be keyed, and what the timeline's markers say."""
    column = layout.column(align=True)
    column.use_property_decorate = True  # the dot beside a slider keys it
    for name in emotions.NAMES:
        column.prop(chosen.layers.emotion, name, slider=True)
    layout.prop(chosen, "use_markers")
    if chosen.layers.emotion.track:
        layout.prop(chosen.layers.emotion, "track")
    if chosen.use_markers:
        marks, told = directing.marks_of(context.scene, properties.head_of(context), chosen.frame_start)
        if marks:
            draw_text(
                layout,
                context,
                f"Set by {len(marks)} {'marker' if len(marks) == 1 else 'markers'} of the timeline",
                "INFO",
            )
        for note in told:
            draw_text(layout, context, note, "ERROR", alert=True)


def _panel(section: str) -> type[bpy.types.Panel]:
    about = {"bl_label": TITLES.get(section, layer_properties.title(section)), "section": section}
    doc = {"__doc__": getattr(Settings(), section).__doc__}
    return type(f"FACEWRIGHT_PT_layer_{section}", (_LayerPanel,), about | doc)


CLASSES: tuple[type[Any], ...] = (
    FACEWRIGHT_OT_layer_reset,
    FACEWRIGHT_PT_layers,
    *(_panel(section) for section in SECTIONS),
    FACEWRIGHT_PT_layer_remarks,
)
