"""Presets: layers' settings by name, in the TOML that the command line reads; Facewright's own and the animator's."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
import random
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import bpy
from bpy.props import StringProperty

from ..core import settings as core_settings
from ..core.errors import FacewrightError, SettingsError, quoted
from ..core.formats.whole import written_whole
from ..core.settings import MAX_SEED, ModelSettings, Settings
from . import layer_properties, properties
from .preferences import FACEWRIGHT_AP_preferences

if TYPE_CHECKING:
    from .waiting import Outcome

OURS = Path(__file__).parent.parent / "presets"
FORBIDDEN = '<>:"/\\|?*'  # in a file's name, on some system or other
MAX_LETTERS = 60


@dataclass(frozen=True)
class Preset:
    """A file of settings."""

    name: str
    path: Path
    is_own: bool  # the animator's, who may delete it


def folder() -> Path:
    """Where the animator's own presets lie; made if it is not there."""
    package = FACEWRIGHT_AP_preferences.bl_idname
    if package.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(package, path="presets", create=True))
    return Path(bpy.utils.user_resource("DATAFILES", path="facewright/presets", create=True))


def every() -> list[Preset]:
    """Facewright's presets, then the animator's, each by name."""
    ours = [Preset(_shown(path), path, False) for path in sorted(OURS.glob("*.toml"))]
    own = [Preset(path.stem, path, True) for path in sorted(folder().glob("*.toml"), key=lambda p: p.stem.casefold())]
    return ours + own


def apply(scene: bpy.types.Scene, path: Path) -> None:
    """Sets every layer as a preset has it; what it does not name is as it came. The seed stays."""
    chosen = core_settings.load(path)
    layer_properties.write(properties.take_of(scene).layers, chosen)


def save(scene: bpy.types.Scene, name: str) -> Preset:
    """Writes the layers as they stand into the animator's folder; a preset of theirs of that name is replaced."""
    name = name.strip()
    if not name or name.startswith(".") or len(name) > MAX_LETTERS or any(c in FORBIDDEN or c < " " for c in name):
        raise SettingsError(f"{quoted(name)} cannot be a preset's name; use letters, digits and blanks")
    if name.casefold() in {preset.name.casefold() for preset in every() if not preset.is_own}:
        raise SettingsError(f"{quoted(name)} is one of Facewright's own presets; choose another name")
    path = folder() / f"{name}.toml"
    with written_whole(path) as file:
        file.write(text_of(properties.settings_of(scene, ModelSettings())))
    return Preset(name, path, True)


def text_of(settings: Settings) -> str:
    """TOML of what differs from how the layers came; neither the seed nor the model is a matter of a preset."""
    plain = core_settings.dumps(Settings()).splitlines()
    ours = core_settings.dumps(replace(settings, seed=0, model=ModelSettings())).splitlines()
    lines: list[str] = []
    heading = ""
    for before, after in zip(plain, ours, strict=True):
        if after.startswith("["):
            heading = after
        elif before != after:
            lines += ["", heading] if heading not in lines else []
            lines.append(after)
    return "\n".join(lines).strip() + "\n"


@cache
def _shown(path: Path) -> str:
    return path.stem.replace("_", " ").title()


class FACEWRIGHT_OT_preset_apply(bpy.types.Operator):
    """Set every layer as this preset has it; the seed stays, and one undo takes it back"""

    bl_idname = "facewright.preset_apply"
    bl_label = "Apply Preset"
    bl_options = {"UNDO", "INTERNAL"}

    path: StringProperty(name="File", description="The preset's TOML file", subtype="FILE_PATH")

    def execute(self, context: bpy.types.Context) -> "Outcome":
        """Reads the file, then sets the sliders."""
        try:
            apply(context.scene, Path(self.path))
        except FacewrightError as error:
            return _refuse(self, error)
        self.report({"INFO"}, f"Layers are set as in {Path(self.path).stem}")
        return {"FINISHED"}


class FACEWRIGHT_OT_preset_save(bpy.types.Operator):
    """Keep all layers' settings as a preset of your own, to use again, share, or give to the command line"""

    bl_idname = "facewright.preset_save"
    bl_label = "Save Preset"
    bl_options = {"INTERNAL"}

    name: StringProperty(name="Name", description="What the preset is called", default="My Preset")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> "Outcome":
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> "Outcome":
        """Writes the file."""
        try:
            preset = save(context.scene, self.name)
        except FacewrightError as error:
            return _refuse(self, error)
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
            preset = next((preset for preset in every() if preset.is_own and preset.path == Path(self.path)), None)
            if preset is None:
                raise SettingsError(f"{quoted(self.path)} is none of your presets; nothing was deleted")
            preset.path.unlink()
        except (FacewrightError, OSError) as error:
            return _refuse(self, error)
        self.report({"INFO"}, f"Preset {preset.name} was deleted")
        return {"FINISHED"}


class FACEWRIGHT_OT_preset_folder(bpy.types.Operator):
    """Open the folder that your presets lie in; files put there show up in the menu"""

    bl_idname = "facewright.preset_folder"
    bl_label = "Open Presets Folder"
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> "Outcome":
        """Opens the system's file browser."""
        return bpy.ops.wm.path_open(filepath=str(folder()))


class FACEWRIGHT_OT_another_seed(bpy.types.Operator):
    """Another take of the same words: other blinks, looks and nods"""

    bl_idname = "facewright.another_seed"
    bl_label = "Another Take"
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> "Outcome":
        """Draws a seed."""
        properties.take_of(context.scene).seed = random.randint(1, min(9999, MAX_SEED))
        return {"FINISHED"}


class FACEWRIGHT_MT_presets(bpy.types.Menu):
    """Facewright's presets and your own"""

    bl_label = "Presets"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        was_own = False
        for preset in every():
            if preset.is_own and not was_own:
                layout.separator()
            was_own = preset.is_own
            icon: Literal["USER", "PRESET"] = "USER" if preset.is_own else "PRESET"
            layout.operator(FACEWRIGHT_OT_preset_apply.bl_idname, text=preset.name, icon=icon).path = str(preset.path)
        layout.separator()
        layout.operator(FACEWRIGHT_OT_preset_save.bl_idname, text="Save as Preset…", icon="ADD")
        layout.menu(FACEWRIGHT_MT_presets_delete.__name__, icon="TRASH")
        layout.operator(FACEWRIGHT_OT_preset_folder.bl_idname, icon="FILE_FOLDER")


class FACEWRIGHT_MT_presets_delete(bpy.types.Menu):
    """Your own presets, to be deleted"""

    bl_label = "Delete"

    def draw(self, _context: bpy.types.Context) -> None:
        own = [preset for preset in every() if preset.is_own]
        for preset in own:
            operator = self.layout.operator(FACEWRIGHT_OT_preset_delete.bl_idname, text=preset.name, icon="TRASH")
            operator.path = str(preset.path)
        if not own:
            self.layout.label(text="You have saved none yet")


def _refuse(operator: bpy.types.Operator, error: Exception) -> "Outcome":
    operator.report({"ERROR"} if bpy.app.background else {"WARNING"}, str(error))
    return {"CANCELLED"}


CLASSES: tuple[type[Any], ...] = (
    FACEWRIGHT_OT_preset_apply,
    FACEWRIGHT_OT_preset_save,
    FACEWRIGHT_OT_preset_delete,
    FACEWRIGHT_OT_preset_folder,
    FACEWRIGHT_OT_another_seed,
    FACEWRIGHT_MT_presets_delete,
    FACEWRIGHT_MT_presets,
)
