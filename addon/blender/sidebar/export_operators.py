"""Export Curves and Export for Game Engine: they read the context, call one function each, and report."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from ...core import formats
from ...core.errors import FacewrightError, FormatError, quoted
from ...core.formats import timecode
from ...core.whole import check_writable
from ..base import sound
from ..base.reporting import Reporting, is_free
from ..direction import preview, properties
from ..takes import engine_export, export

if TYPE_CHECKING:
    from ..base.reporting import Outcome

Context = bpy.types.Context
FRAMES = {"min": -sound.LAST_FRAME, "max": sound.LAST_FRAME}


class FACEWRIGHT_OT_export_curves(Reporting, ExportHelper, bpy.types.Operator):  # type: ignore[misc]  # invoke
    """Write what moves the head now, your own keys too, as a curve file: Live Link Face CSV, Audio2Face, JSON or NPZ"""

    bl_idname = "facewright.export_curves"
    bl_label = "Export Curves"

    filepath: StringProperty(name="File", description="The curve file", subtype="FILE_PATH")
    kind: EnumProperty(
        name="Format",
        description="Who reads the file",
        items=(
            (".csv", "Live Link Face", "CSV with ARKit's 52, head and eyes, as the iPhone app writes it"),
            (".a2f.json", "Audio2Face", "JSON with ARKit's 52 weights, as many tools import it"),
            (".json", "Facewright", "JSON with every channel"),
            (".npz", "NumPy", "Every channel as arrays, for scripts"),
        ),
    )
    filter_glob: StringProperty(default="*.csv;*.json;*.npz", options={"HIDDEN"})
    check_extension = None  # `check` keeps it; .a2f.json is two of them
    use_range: BoolProperty(
        name="Only Some Frames", description="Off: the scene's whole frame range", options={"SKIP_SAVE"}
    )
    frame_start: IntProperty(name="First", description="First frame that is written", default=1, **FRAMES)
    frame_end: IntProperty(name="Last", description="Last frame that is written", default=250, **FRAMES)
    fps: FloatProperty(
        name="Rate", description="Frames a second in the file; 0: the scene's. Lip closures are kept", min=0, max=1000
    )
    timecode: StringProperty(
        name="Timecode", description="Timecode of the first frame, HH:MM:SS:FF; empty: 00:00:00:00"
    )

    @classmethod
    def poll(cls, _context: Context) -> bool:
        return is_free(cls)

    def draw(self, _context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "kind")
        layout.prop(self, "use_range")
        if self.use_range:
            layout.prop(self, "frame_start")
            layout.prop(self, "frame_end")
        layout.prop(self, "fps")
        layout.prop(self, "timecode", placeholder="00:00:00:00")

    @property
    def filename_ext(self) -> str:
        """The ending of the chosen format."""
        return str(self.kind)

    def check(self, _context: Context) -> bool:
        """Keeps the file's ending in step with the format."""
        before = str(self.filepath)
        self.filepath = _with_ending(before, formats.SUFFIXES, self.kind)
        return bool(before != self.filepath)

    def execute(self, context: Context) -> "Outcome":
        """Reads the keys back and writes the file whole; its ending says in which format."""
        preview.leave()  # it is not keyed
        scene = context.scene
        frames = (self.frame_start, self.frame_end) if self.use_range else (scene.frame_start, scene.frame_end)
        path = Path(bpy.path.abspath(self.filepath))
        try:
            formats.check_suffix(path)
            check_writable(path)  # before a long scene is read
            start_s = _time_of_day(self.timecode, scene)
            found = export.read_back(scene, properties.head_of(context), *frames)
            formats.write(path, found.curves, self.fps or found.curves.rate, start_s)
        except FacewrightError as error:
            return self.refuse(str(error))
        lost = formats.lost(path, found.curves)
        notes = (*found.notes, lost) if lost else found.notes
        count = len(found.curves.values)
        return self.succeed(f"Wrote {count} frames of {len(found.curves.names)} channels to {path.name}", notes)


def _with_ending(filepath: str, known: Iterable[str], ending: str) -> str:
    """The path with this ending in place of another one that is known; an empty name stays empty."""
    other = next((each for each in known if filepath.lower().endswith(each)), "")
    stem = filepath.removesuffix(filepath[len(filepath) - len(other) :]) if other else filepath
    return f"{stem}{ending}" if Path(stem).name and not filepath.endswith(("/", "\\")) else filepath


def _time_of_day(text: str, scene: bpy.types.Scene) -> float | None:
    if not text.strip():
        return None
    fps = sound.fps(scene)
    start_s = timecode.of_day(text, fps)
    if start_s is None:
        raise FormatError(f"{quoted(text)} is no timecode at {fps:.5g} fps; write it as HH:MM:SS:FF")
    return start_s


class FACEWRIGHT_OT_export_character(Reporting, ExportHelper, bpy.types.Operator):  # type: ignore[misc]  # invoke
    """Write the character with its face animation for a game engine: glTF, FBX or USD by Blender's own exporters"""

    bl_idname = "facewright.export_character"
    bl_label = "Export Character"

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
        return is_free(cls)

    def draw(self, _context: Context) -> None:
        self.layout.prop(self, "kind", expand=True)

    def check(self, _context: Context) -> bool:
        """Keeps the file's ending in step with the format."""
        before = str(self.filepath)
        endings = (*engine_export.SUFFIXES.values(), *engine_export.ALSO)
        same = [ending for ending in endings if engine_export.kind_of(Path(f"a{ending}")) == self.kind]
        if not before.lower().endswith(tuple(same)):
            self.filepath = _with_ending(before, endings, self.filename_ext)
        return bool(before != self.filepath)

    def execute(self, context: Context) -> "Outcome":
        """Exports the head's character over the scene's frame range."""
        preview.leave()
        path = Path(bpy.path.abspath(self.filepath))
        try:
            notes = engine_export.export(context.scene, properties.head_of(context), path)
        except FacewrightError as error:
            return self.refuse(str(error))
        return self.succeed(f"Wrote {path.name}", notes)
