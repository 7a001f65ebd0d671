"""A mapping to a TOML file and back."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ...core.errors import FormatError
from ...core.rigs import custom_toml
from ..head import mapping_rows
from .mapping import OfMapping, absent, chosen

if TYPE_CHECKING:
    from ..base.reporting import Outcome

ENDING = ".toml"


class FACEWRIGHT_OT_mapping_export(OfMapping, bpy.types.Operator, ExportHelper):
    """Save these rows as a TOML file, for other scenes, other people and the command line"""

    bl_idname = "facewright.mapping_export"
    bl_label = "Export Mapping"
    needs_rows = True

    filename_ext = ENDING
    filter_glob: StringProperty(default=f"*{ENDING}", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "Outcome":  # type: ignore[override]
        """Asks for the file; the character's name is the first guess."""
        if not self.filepath:  # type: ignore[has-type]  # ExportHelper's
            self.filepath = bpy.path.clean_name(mapping_rows.holder(chosen(context)).name) + ENDING
        return super().invoke(context, event)

    def work(self, context: bpy.types.Context) -> None:
        path = _path(self.filepath)
        custom = mapping_rows.read(mapping_rows.holder(chosen(context)))
        custom_toml.save(path, custom)
        self.report({"INFO"}, f"{len(custom.rows)} rows are in {path.name}")


class FACEWRIGHT_OT_mapping_import(OfMapping, bpy.types.Operator, ImportHelper):  # type: ignore[misc]
    """Load rows from a TOML file, in place of those that are there"""

    bl_idname = "facewright.mapping_import"
    bl_label = "Import Mapping"
    bl_options = {"UNDO"}

    filename_ext = ENDING
    filter_glob: StringProperty(default=f"*{ENDING}", options={"HIDDEN"})

    def work(self, context: bpy.types.Context) -> None:
        custom = custom_toml.load(_path(self.filepath))  # type: ignore[attr-defined]  # ImportHelper's
        character = chosen(context)
        mapping_rows.write(mapping_rows.holder(character), custom)
        self.report({"INFO"}, f"{len(custom.rows)} rows loaded")
        self.warn_of(absent(context.scene, character, custom), "Not on this head")


def _path(text: str) -> Path:
    if not text:
        raise FormatError("no file is named; choose one")
    return Path(bpy.path.abspath(text))


CLASSES = (FACEWRIGHT_OT_mapping_export, FACEWRIGHT_OT_mapping_import)
