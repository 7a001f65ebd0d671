"""What belongs to the machine rather than to a scene: the model and where it runs."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from functools import cache
from typing import Any, Literal

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from ...core import backend
from ...core.errors import FacewrightError
from ...core.model import FAST
from ...core.settings import ModelSettings
from . import compat

TITLES = {
    "auto": ("Automatic", "The graphics card if it can be used, otherwise the processor"),
    "cpu": ("Processor", "Runs everywhere, and gives the same keys everywhere"),
    "cuda": ("NVIDIA (CUDA)", "An NVIDIA graphics card"),
    "coreml": ("Apple (Core ML)", "Apple's neural engine or graphics"),
    "dml": ("DirectML", "Any graphics card under Windows"),
}


class FACEWRIGHT_AP_preferences(bpy.types.AddonPreferences):
    """Its bl_idname is the extension's real package name, which only Blender knows: set on registration."""

    bl_idname = ""

    device: EnumProperty(
        name="Device",
        description="Where the model runs",
        items=[(device, *TITLES[device]) for device in backend.DEVICES],
    )
    threads: IntProperty(
        name="Threads",
        description="Processor cores that the model may use",
        default=ModelSettings().threads,
        min=1,
        soft_max=16,
        max=256,
    )
    model: StringProperty(
        name="Model",
        description="A Facewright model file (.onnx), such as one trained on your actor. "
        "Empty: the one that comes with Facewright",
        subtype="FILE_PATH",
        options=compat.PATH_OPTIONS,
    )
    use_fast: BoolProperty(
        name="Fast Model",
        description="Facewright's own smaller model: half the work, and a little less sure of what is said",
    )
    show_hint: BoolProperty(
        name="First Steps",
        description="Show the first steps on top of the Speech panel",
        default=True,
    )

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "device")
        text, icon = _device_line(self.device)
        split = layout.split(factor=0.4)  # under the choice that it explains
        split.label()
        split.label(text=text, icon=icon)
        layout.prop(self, "threads")
        layout.prop(self, "model", placeholder="Facewright's own")
        row = layout.row()
        row.active = not self.model
        row.prop(self, "use_fast")
        layout.prop(self, "show_hint")


def model_settings(context: bpy.types.Context) -> ModelSettings:
    """The model and the device that the preferences name; the defaults where there are none."""
    addon: bpy.types.Addon | None = context.preferences.addons.get(FACEWRIGHT_AP_preferences.bl_idname)
    if addon is None or addon.preferences is None:
        return ModelSettings()
    chosen: Any = addon.preferences
    own = FAST if chosen.use_fast else ""
    path = bpy.path.abspath(chosen.model) if chosen.model else own
    return ModelSettings(path=path, device=chosen.device, threads=chosen.threads)


@cache
def _device_line(device: str) -> tuple[str, Literal["CHECKMARK", "INFO", "ERROR"]]:
    """What will be used for a choice of device, and an icon; asked once, because it loads onnxruntime."""
    try:
        there = backend.available()
    except FacewrightError as error:
        return str(error), "ERROR"
    if device in ("auto", *there):
        return f"Here: {', '.join(TITLES[name][0] for name in there)}", "CHECKMARK"
    return "Not available here: falls back to the processor", "INFO"
