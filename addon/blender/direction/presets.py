"""The presets menu: layers' settings by name, in the files that the command line reads; ours and the animator's."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import bpy
from bpy.props import StringProperty

from ...core import presets as core_presets
from ...core import settings as core_settings
from ...core.errors import FacewrightError, SettingsError, quoted, reason
from ...core.presets import Preset
from ...core.settings import ModelSettings
from ...core.whole import make_folder
from ..base.reporting import refuse
from . import layer_properties, properties

if TYPE_CHECKING:
    from ..base.reporting import Outcome

HIGHEST_DRAWN = 9999  # a seed that can be read out across a room


def every() -> list[Preset]:
    """Facewright's presets, then the animator's; none of theirs where their folder cannot be, as saving there tells."""
    try:
        return core_presets.every(*core_presets.user_folders())
    except SettingsError:
        return core_presets.every()


def is_own(preset: Preset) -> bool:
    """Whether it is the animator's, who may delete it."""
    return preset.path.parent != core_presets.OURS


def shown(preset: Preset) -> str:
    """What the menu calls it."""
    return preset.name if is_own(preset) else preset.name.replace("_", " ").title()


def apply(scene: bpy.types.Scene, path: Path) -> None:
    """Sets every layer as a preset has it; what it does not name is as it came. The seed stays."""
    layer_properties.write(properties.choices_of(scene).layers, core_settings.load(path))


class FACEWRIGHT_OT_preset_apply(bpy.types.Operator):
    """Set every layer as this preset has it; the seed stays, and one undo takes it back"""

    bl_idname = "facewright.preset_apply"
    bl_label = "Apply Preset"
    bl_options = {"UNDO", "INTERNAL"}

    path: StringProperty(name="File", description="The preset's TOML file", subtype="FILE_PATH")

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        """What the preset says of itself."""
        about = Preset(Path(properties.path)).about.rstrip(".")
        return about or "Set every layer as this preset has it; the seed stays"

    def execute(self, context: bpy.types.Context) -> "Outcome":
        """Reads the file, then sets the sliders."""
        try:
            apply(context.scene, Path(self.path))
        except FacewrightError as error:
            return refuse(self, str(error))
        self.report({"INFO"}, f"Layers are set as in {Path(self.path).stem}")
        return {"FINISHED"}


class FACEWRIGHT_OT_preset_save(bpy.types.Operator):
    """Keep all layers' settings as a preset of your own, to use again, share, or give to the command line"""

    bl_idname = "facewright.preset_save"
    bl_label = "Save Preset"
    bl_options = {"INTERNAL"}

    name: StringProperty(name="Name", description="What the preset is called", default="My Preset")
    about: StringProperty(name="About", description="What it is for, in a sentence; the menu's tooltip")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> "Outcome":
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> "Outcome":
        """Writes the file."""
        try:
            settings = properties.settings_of(context.scene, ModelSettings())
            preset = core_presets.save(core_presets.user_folder(), self.name, settings, self.about)
        except FacewrightError as error:
            return refuse(self, str(error))
        self.report({"INFO"}, f"Preset {preset.name} is kept in {preset.path.parent}")
        return {"FINISHED"}


class FACEWRIGHT_OT_preset_delete(bpy.types.Operator):
    """Delete this preset's file; it cannot be undone"""

    bl_idname = "facewright.preset_delete"
    bl_label = "Delete Preset"
    bl_options = {"INTERNAL"}

    path: StringProperty(name="File", description="The preset's TOML file", subtype="FILE_PATH")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "Outcome":
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context: bpy.types.Context) -> "Outcome":
        """Deletes one of the animator's own."""
        try:
            preset = next((preset for preset in every() if is_own(preset) and preset.path == Path(self.path)), None)
            if preset is None:
                raise SettingsError(f"{quoted(self.path)} is none of your presets; nothing was deleted")
            preset.path.unlink()
        except FacewrightError as error:
            return refuse(self, str(error))
        except OSError as error:
            return refuse(self, f"{quoted(self.path)} cannot be deleted: {reason(error)}")
        self.report({"INFO"}, f"Preset {preset.name} was deleted")
        return {"FINISHED"}


class FACEWRIGHT_OT_preset_folder(bpy.types.Operator):
    """Open the folder that your presets lie in; files put there show up in the menu"""

    bl_idname = "facewright.preset_folder"
    bl_label = "Open Presets Folder"
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> "Outcome":
        """Opens the system's file browser."""
        try:
            folder = core_presets.user_folder()
            make_folder(folder)
        except FacewrightError as error:
            return refuse(self, str(error))
        return bpy.ops.wm.path_open(filepath=str(folder))


class FACEWRIGHT_OT_another_seed(bpy.types.Operator):
    """Another take of the same words: other blinks, looks and nods"""

    bl_idname = "facewright.another_seed"
    bl_label = "Another Take"
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> "Outcome":
        """Draws a seed."""
        properties.choices_of(context.scene).seed = random.randint(1, HIGHEST_DRAWN)
        return {"FINISHED"}


class FACEWRIGHT_MT_presets(bpy.types.Menu):
    """Facewright's presets and your own"""

    bl_label = "Presets"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        was_own = False
        for preset in every():
            if is_own(preset) and not was_own:
                layout.separator()
            was_own = is_own(preset)
            icon: Literal["USER", "PRESET"] = "USER" if was_own else "PRESET"
            operator: Any = layout.operator(FACEWRIGHT_OT_preset_apply.bl_idname, text=shown(preset), icon=icon)
            operator.path = str(preset.path)
        layout.separator()
        layout.operator(FACEWRIGHT_OT_preset_save.bl_idname, text="Save as Preset…", icon="ADD")
        layout.menu(FACEWRIGHT_MT_presets_delete.__name__, icon="TRASH")
        layout.operator(FACEWRIGHT_OT_preset_folder.bl_idname, icon="FILE_FOLDER")


class FACEWRIGHT_MT_presets_delete(bpy.types.Menu):
    """Your own presets, to be deleted"""

    bl_label = "Delete"

    def draw(self, _context: bpy.types.Context) -> None:
        own = [preset for preset in every() if is_own(preset)]
        for preset in own:
            operator = self.layout.operator(FACEWRIGHT_OT_preset_delete.bl_idname, text=preset.name, icon="TRASH")
            operator.path = str(preset.path)
        if not own:
            self.layout.label(text="You have saved none yet")


CLASSES: tuple[type[Any], ...] = (
    FACEWRIGHT_OT_preset_apply,
    FACEWRIGHT_OT_preset_save,
    FACEWRIGHT_OT_preset_delete,
    FACEWRIGHT_OT_preset_folder,
    FACEWRIGHT_OT_another_seed,
    FACEWRIGHT_MT_presets_delete,
    FACEWRIGHT_MT_presets,
)
