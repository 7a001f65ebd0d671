"""The first-run hint on top of the Speech panel: three steps, until it is dismissed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..base.preferences import FACEWRIGHT_AP_preferences
from .panels import draw_text

if TYPE_CHECKING:
    from ..base.reporting import Outcome

STEPS = (
    "1. Choose a recorded line, as a file or a sound strip",
    "2. Select the face in the view",
    "3. Press Animate; one Ctrl+Z takes it all back",
    "Layers hold mood, looks and blinks. Rest the mouse on anything to read what it does",
)


def preferences() -> Any:
    """Facewright's preferences, or None where Blender keeps none for it."""
    addon: bpy.types.Addon | None = bpy.context.preferences.addons.get(FACEWRIGHT_AP_preferences.bl_idname)
    return addon.preferences if addon else None


class FACEWRIGHT_OT_hint_dismiss(bpy.types.Operator):
    """Do not show these steps any more; the preferences bring them back"""

    bl_idname = "facewright.hint_dismiss"
    bl_label = "Got It"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Notes it in the preferences."""
        chosen = preferences()
        if chosen is not None:
            chosen.show_hint = False
            context.preferences.is_dirty = True
        return {"FINISHED"}


def draw_hint(self: Any, context: Any) -> None:
    """The steps, in a box, until they are dismissed."""
    chosen = preferences()
    if chosen is None or not chosen.show_hint:
        return
    box = self.layout.box()
    for number, step in enumerate(STEPS):
        draw_text(box, context, step, "INFO" if number == 0 else "BLANK1")
    box.operator(FACEWRIGHT_OT_hint_dismiss.bl_idname)


CLASSES: tuple[type[Any], ...] = (FACEWRIGHT_OT_hint_dismiss,)
