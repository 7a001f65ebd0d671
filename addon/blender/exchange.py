"""Import Take, Export Curves and Export Character: they read the context, call one function each, and report."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..core import capture, formats
from ..core.errors import FacewrightError, FormatError, quoted
from ..core.formats import timecode
from . import engine_export, export, jobs, preferences, properties, take_import

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

    Outcome = set[OperatorReturnItems]

Context = bpy.types.Context


def _sounds_near(self: Any, _context: Context, _text: str) -> list[str]:
    """The sound files in the folder of the capture."""
    folder = Path(bpy.path.abspath(self.filepath)).parent
    if not folder.is_dir():
        return []
    return sorted(str(item) for item in folder.iterdir() if item.suffix.lower() in take_import.SOUNDS)


class Reporting:
    """A base beside bpy.types.Operator: refusals and results go to the panel, and to who called it."""

    report: Any  # bpy.types.Operator's

    def refuse(self, reason: str) -> "Outcome":
        """Ends without a trace; in the background, where nobody sees a panel, a Python error carries the reason."""
        jobs.board.show(error=reason)
        self.report({"ERROR"} if bpy.app.background else {"WARNING"}, reason)
        return {"CANCELLED"}

    def succeed(self, result: str, notes: tuple[str, ...]) -> "Outcome":
        """Tells what was done, and what the user should know about it."""
        jobs.board.show(result, notes)
        for note in notes:
            self.report({"WARNING"}, note)
        self.report({"INFO"}, result)
        return {"FINISHED"}


def _is_free(operator: Any) -> bool:
    if jobs.board.job is None:
        return True
    operator.poll_message_set("A line is being animated; wait for it, or cancel it")
    return False


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
        name="Offset", description="Seconds from the sound's start to the capture's", subtype="TIME_ABSOLUTE"
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
        name="Lips Meet, No Further",
        description="Lets mouthClose never exceed jawOpen, as captures do by a little; off keeps the capture as it is",
    )

    @classmethod
    def poll(cls, _context: Context) -> bool:
        return _is_free(cls)

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
            fit = properties.take_of(scene).fit_scene
            report = take_import.run(scene, properties.head_of(context), order, settings, fit)
        except FacewrightError as error:
            return self.refuse(str(error))
        return self.succeed(str(report), report.notes)


class FACEWRIGHT_OT_export_curves(Reporting, ExportHelper, bpy.types.Operator):  # type: ignore[misc]  # invoke
    """Write what moves the head now, your own keys too, as a curve file: Live Link Face CSV, Audio2Face, JSON or NPZ"""

    bl_idname = "facewright.export_curves"
    bl_label = "Export Curves"

    filepath: StringProperty(name="File", description="The curve file", subtype="FILE_PATH")
    filename_ext = ".csv"
    filter_glob: StringProperty(default="*.csv;*.json;*.npz", options={"HIDDEN"})
    check_extension = None  # the ending chooses the format; .a2f.json is two of them
    use_range: BoolProperty(
        name="Only Some Frames", description="Off: the scene's whole frame range", options={"SKIP_SAVE"}
    )
    frame_start: IntProperty(name="First", description="First frame that is written", default=1)
    frame_end: IntProperty(name="Last", description="Last frame that is written", default=250)
    fps: FloatProperty(
        name="Rate", description="Frames a second in the file; 0: the scene's. Lip closures are kept", min=0, max=1000
    )
    timecode: StringProperty(
        name="Timecode", description="Timecode of the first frame, HH:MM:SS:FF; empty: 00:00:00:00"
    )

    @classmethod
    def poll(cls, _context: Context) -> bool:
        return _is_free(cls)

    def draw(self, _context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.label(text=".csv: Live Link Face", icon="INFO")
        layout.label(text=".a2f.json: Audio2Face", icon="BLANK1")
        layout.label(text=".json, .npz: for scripts", icon="BLANK1")
        layout.prop(self, "use_range")
        if self.use_range:
            layout.prop(self, "frame_start")
            layout.prop(self, "frame_end")
        layout.prop(self, "fps")
        layout.prop(self, "timecode", placeholder="00:00:00:00")

    def execute(self, context: Context) -> "Outcome":
        """Reads the keys back and writes the file whole."""
        scene = context.scene
        frames = (self.frame_start, self.frame_end) if self.use_range else (scene.frame_start, scene.frame_end)
        path = Path(bpy.path.abspath(self.filepath))
        try:
            formats.check_suffix(path)
            start_s = _time_of_day(self.timecode, scene)
            found = export.read_back(scene, properties.head_of(context), *frames)
            formats.write(path, found.curves, self.fps or found.curves.rate, start_s)
        except FacewrightError as error:
            return self.refuse(str(error))
        lost = formats.lost(path, found.curves)
        notes = (*found.notes, lost) if lost else found.notes
        count = len(found.curves.values)
        return self.succeed(f"Wrote {count} frames of {len(found.curves.names)} channels to {path.name}", notes)


def _time_of_day(text: str, scene: bpy.types.Scene) -> float | None:
    if not text.strip():
        return None
    start_s = timecode.of_day(text, scene.render.fps / scene.render.fps_base)
    if start_s is None:
        raise FormatError(f"{quoted(text)} is no timecode; write it as HH:MM:SS:FF")
    return start_s


class FACEWRIGHT_OT_export_character(Reporting, ExportHelper, bpy.types.Operator):  # type: ignore[misc]  # invoke
    """Write the character with its face animation for a game engine: glTF, FBX or USD by Blender's own exporters"""

    bl_idname = "facewright.export_character"
    bl_label = "Export for Game Engine"

    filepath: StringProperty(name="File", description="The character's file", subtype="FILE_PATH")
    kind: EnumProperty(
        name="Format",
        description="What the engine reads",
        items=(
            (engine_export.GLTF, "glTF", "One .glb with one clip for all meshes: Unity, Unreal, Godot, three.js"),
            (engine_export.FBX, "FBX", "One clip for all meshes: Unreal, Unity, Maya, MotionBuilder"),
            (engine_export.USD, "USD", "Omniverse, Houdini, Maya"),
        ),
    )
    filter_glob: StringProperty(default="*.glb;*.fbx;*.usd;*.usda;*.usdc", options={"HIDDEN"})
    check_extension = None

    @property
    def filename_ext(self) -> str:
        """The ending of the chosen format."""
        return engine_export.SUFFIXES[self.kind]

    @classmethod
    def poll(cls, _context: Context) -> bool:
        return _is_free(cls)

    def draw(self, _context: Context) -> None:
        self.layout.prop(self, "kind", expand=True)

    def check(self, _context: Context) -> bool:
        """Keeps the file's ending in step with the format."""
        path = Path(self.filepath)
        known = {*engine_export.SUFFIXES.values(), *engine_export.ALSO}
        named = path if path.suffix.lower() in known else path.with_name(f"{path.name}{self.filename_ext}")
        if engine_export.kind_of(named) != self.kind:
            named = named.with_suffix(self.filename_ext)
        is_other = str(named) != str(self.filepath)
        self.filepath = str(named)
        return is_other

    def execute(self, context: Context) -> "Outcome":
        """Exports the head's character over the scene's frame range."""
        path = Path(bpy.path.abspath(self.filepath))
        try:
            notes = engine_export.export(context.scene, properties.head_of(context), path)
        except FacewrightError as error:
            return self.refuse(str(error))
        return self.succeed(f"Wrote {path.name}", notes)


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

    def draw(self, _context: Context) -> None:
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
