"""Import / Export: the panel, the entries in Blender's File menu, and what is registered for them."""

from __future__ import annotations

from typing import Any

import bpy

from .export_operators import FACEWRIGHT_OT_export_character, FACEWRIGHT_OT_export_curves
from .take_import_operator import FACEWRIGHT_OT_import_take


def draw_import_menu(self: Any, _context: Any) -> None:
    """The entry in File > Import."""
    self.layout.operator(FACEWRIGHT_OT_import_take.bl_idname, text="Facial Capture (.csv, .json, .npz)")


def draw_export_menu(self: Any, _context: Any) -> None:
    """The entry in File > Export."""
    self.layout.operator(FACEWRIGHT_OT_export_curves.bl_idname, text="Facial Curves (.csv, .json, .npz)")


class FACEWRIGHT_PT_exchange(bpy.types.Panel):
    """Captured takes in, curves and characters out."""

    bl_label = "Import / Export"
    bl_category = "Facewright"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 50

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.operator(FACEWRIGHT_OT_import_take.bl_idname, text="Import Take...", icon="IMPORT")
        column.operator(FACEWRIGHT_OT_export_curves.bl_idname, text="Export Curves...", icon="EXPORT")
        column.operator_menu_enum(
            FACEWRIGHT_OT_export_character.bl_idname, "kind", text="Export for Game Engine", icon="OUTLINER_OB_ARMATURE"
        )


CLASSES = (
    FACEWRIGHT_OT_import_take,
    FACEWRIGHT_OT_export_curves,
    FACEWRIGHT_OT_export_character,
    FACEWRIGHT_PT_exchange,
)


def register() -> None:
    """Adds the menus' entries; the classes are registered with all others."""
    bpy.types.TOPBAR_MT_file_import.append(draw_import_menu)  # type: ignore[arg-type]
    bpy.types.TOPBAR_MT_file_export.append(draw_export_menu)  # type: ignore[arg-type]


def unregister() -> None:
    """Takes them back."""
    bpy.types.TOPBAR_MT_file_export.remove(draw_export_menu)  # type: ignore[arg-type]
    bpy.types.TOPBAR_MT_file_import.remove(draw_import_menu)  # type: ignore[arg-type]
