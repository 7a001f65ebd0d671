"""Import Take: it reads the context, calls the import, and reports."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ...core import capture
from ...core.errors import FacewrightError
from ..base import preferences
from ..base.reporting import Reporting, is_free
from ..direction import preview, properties
from ..takes import take_import

if TYPE_CHECKING:
    from ..base.reporting import Outcome

Context = bpy.types.Context


def _sounds_near(self: Any, _context: Context, _text: str) -> list[str]:
    """The sound files in the folder of the capture."""
    folder = Path(bpy.path.abspath(self.filepath)).parent
    if not folder.is_dir():
        return []
    seen = [item for item in folder.iterdir() if not item.name.startswith(".")]  # ._a.wav of macOS is no sound
    return sorted(str(item) for item in seen if item.suffix.lower() in take_import.SOUNDS)


class FACEWRIGHT_OT_import_take(Reporting, ImportHelper, bpy.types.Operator):  # type: ignore[misc]  # invoke
    """Put a captured take onto the head: a Live Link Face CSV, Audio2Face JSON or a curve file of Facewright"""

    bl_idname = "facewright.import_take"
    bl_label = "Import Take"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="File", description="The capture", subtype="FILE_PATH")
    filter_glob: StringProperty(default="*.csv;*.json;*.npz", options={"HIDDEN"})
    sound: StringProperty(
        name="Sound",
        description="What was said; empty: a sound file of the capture's own name beside it, if there is one",
        search=_sounds_near,
        search_options={"SUGGESTION"},
    )
    frame_start: IntProperty(name="Start Frame", description="Frame on which the sound starts", default=1)
    align: EnumProperty(
        name="Align",
        description="How capture and sound are put in step",
        items=(
            (take_import.START, "Start", "Capture and sound start together on the start frame"),
            (take_import.TIMECODE, "Timecode", "By the timecode of the capture and that of the start frame"),
            (take_import.OFFSET, "Offset", "The capture starts so many seconds after the sound"),
        ),
    )
    timecode: StringProperty(
        name="Timecode",
        description="Timecode of the start frame, HH:MM:SS:FF; empty: when the sound began, if its file says so",
    )
    offset: FloatProperty(
        name="Offset",
        description="Seconds from the sound's start to the capture's",
        subtype="TIME_ABSOLUTE",
        min=-1e6,
        max=1e6,
    )
    file_fps: FloatProperty(
        name="Capture Rate",
        description="Frames a second of the capture where its timecode can't tell 23.976 from 24; 0: as it says",
        min=0,
        max=1000,
    )
    layers: EnumProperty(
        name="Layers",
        description="What Facewright adds where the capture lacks it, led by the sound",
        items=(
            (capture.BLINKS, "Blinks", "Close the lids now and then, beside the capture's own blinks", 1),
            (capture.BROWS, "Brows", "Brows from the voice instead of the capture's", 2),
            (capture.GAZE, "Gaze", "Eyes that wander instead of the capture's", 4),
            (capture.HEAD, "Head", "A head that moves with the voice instead of the capture's", 8),
        ),
        options={"ENUM_FLAG"},
    )
    limit_closing: BoolProperty(
        name="Limit Lips",
        description="Lets mouthClose never exceed jawOpen, as captures do by a little; off keeps the capture as it is",
    )

    @classmethod
    def poll(cls, _context: Context) -> bool:
        return is_free(cls)

    def draw(self, _context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "sound", icon="SPEAKER", placeholder="Same name, beside it")
        layout.prop(self, "frame_start")
        layout.prop(self, "align")
        if self.align == take_import.TIMECODE:
            layout.prop(self, "timecode", placeholder="When the sound began")
        if self.align == take_import.OFFSET:
            layout.prop(self, "offset")
        layout.prop(self, "file_fps")
        layout.column().prop(self, "layers")
        layout.prop(self, "limit_closing")

    def execute(self, context: Context) -> "Outcome":
        """Bakes the take; nothing is written if any of it cannot be."""
        preview.leave()
        scene = context.scene
        path = Path(bpy.path.abspath(self.filepath))
        order = take_import.Order(
            path=path,
            frame=self.frame_start,
            sound=self.sound or take_import.sound_beside(path),
            align=self.align,
            offset_s=self.offset,
            at=self.timecode.strip(),
            rate=self.file_fps or None,
            layers=frozenset(self.layers),
            limit_closing=self.limit_closing,
        )
        try:
            settings = properties.settings_of(scene, preferences.model_settings(context))
            fit = properties.choices_of(scene).fit_scene
            report = take_import.run(scene, properties.head_of(context), order, settings, fit)
        except FacewrightError as error:
            return self.refuse(str(error))
        return self.succeed(str(report), report.notes)
