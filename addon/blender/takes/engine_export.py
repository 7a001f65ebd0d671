"""A character with its baked face as glTF, FBX or USD: Blender's own exporters, set so that its curves survive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import bpy

from ...core.errors import FormatError, RigError, quoted, reason
from ...core.whole import check_writable, half_named, put_in_place
from ..head.character import Character, character_of
from ..head.protection import listed

GLTF, FBX, USD = "GLTF", "FBX", "USD"
SUFFIXES = {GLTF: ".glb", FBX: ".fbx", USD: ".usdc"}
ALSO = {".usd": USD, ".usda": USD}  # other endings that a user may write
EXPORTED = {"ARMATURE", "EMPTY", "MESH"}
HIDDEN = "hidden or not selectable, so not in the file; show them to have them there"
WITHOUT = "exported without modifiers, because the shape keys would be lost; subdivide in the engine"

# Applying modifiers would drop the shape keys; sampling every frame keeps drivers and what lies on an NLA.
OPTIONS: dict[str, dict[str, Any]] = {
    GLTF: {
        "use_selection": True,
        "use_active_scene": True,  # by default the file's other scenes are in it too, empty
        "export_apply": False,
        "export_animations": True,
        "export_animation_mode": "SCENE",  # what plays: drivers and the NLA too
        "export_anim_scene_split_object": False,  # one clip for all meshes; by default each has its own
        "export_frame_range": True,
        "export_anim_slide_to_zero": True,  # frame 1 is second 0, as the sound is
        "export_force_sampling": True,
        "export_frame_step": 1,
        "export_morph": True,
        "export_morph_animation": True,
        "export_optimize_animation_size": False,
        "export_optimize_animation_keep_anim_armature": True,
    },
    FBX: {
        "use_selection": True,
        "use_mesh_modifiers": False,
        "bake_anim": True,
        "bake_anim_use_nla_strips": False,  # with either of these, no curve of a shape key is written
        "bake_anim_use_all_actions": False,
        "bake_anim_force_startend_keying": True,
        "bake_anim_step": 1.0,
        "bake_anim_simplify_factor": 0.0,  # by default keys within a thousandth are dropped
        "add_leaf_bones": False,
        "object_types": EXPORTED,
    },
    USD: {
        "selected_objects_only": True,
        "export_animation": True,
        "export_shapekeys": True,
        "export_armatures": True,
        "only_deform_bones": False,
    },
}


def kind_of(path: Path) -> str:
    """Which exporter a file's ending asks for."""
    suffix = path.suffix.lower()
    kind = next((kind for kind, its in SUFFIXES.items() if its == suffix), ALSO.get(suffix))
    if kind is None:
        known = ", ".join((*SUFFIXES.values(), *ALSO))
        raise FormatError(f"{quoted(path.name)}: unknown ending {quoted(path.suffix)}; use one of {known}")
    return kind


def export(scene: bpy.types.Scene, head: bpy.types.Object | None, path: Path) -> tuple[str, ...]:
    """Exports the character over the scene's frame range; notes on what will not be in the file."""
    kind = kind_of(path)
    check_writable(path)
    character = character_of(scene, head)
    objects = _of_view_layer(character)
    notes = _notes(kind, character, objects)
    in_time = _frames_timed(scene) if kind == GLTF else nullcontext()
    named = nullcontext() if scene.library else _named(scene, path.stem)  # a linked scene cannot be renamed
    with _selected(objects, character.root), _beside(path) as made, in_time, named:
        _run(kind, made)
    return notes


def _of_view_layer(character: Character) -> list[bpy.types.Object]:
    """The character's objects that can be selected; exporters see no others."""
    layer = bpy.context.view_layer
    layer.update()  # what was linked by a script a moment ago counts as hidden until then
    objects = [obj for obj in character.objects if obj.name in layer.objects]
    visible = [obj for obj in objects if obj.visible_get() and not obj.hide_select]
    if not any(obj in visible for obj in character.meshes):
        raise RigError(f"{quoted(character.root.name)} is hidden; show it in the viewport to export it")
    return visible


def _notes(kind: str, character: Character, objects: Sequence[bpy.types.Object]) -> tuple[str, ...]:
    modified = [mesh.name for mesh in character.meshes if any(_changes(modifier) for modifier in mesh.modifiers)]
    notes = [f"{listed(modified)}: {WITHOUT}"] if modified else []
    if hidden := [obj.name for obj in character.objects if obj.type in EXPORTED and obj not in objects]:
        notes.append(f"{listed(hidden)}: {HIDDEN}")
    if kind == USD and character.armature and len(character.meshes) > 1:
        notes.append(
            "USD numbers the weights of further meshes (jawOpen2); Blender itself reads back those of one mesh"
        )
    return tuple(notes)


def _changes(modifier: bpy.types.Modifier) -> bool:
    return modifier.type != "ARMATURE" and modifier.show_viewport


def _run(kind: str, path: Path) -> None:
    operator: Any = {GLTF: bpy.ops.export_scene.gltf, FBX: bpy.ops.export_scene.fbx, USD: bpy.ops.wm.usd_export}[kind]
    try:
        known = operator.get_rna_type().properties.keys()
    except KeyError as error:
        raise FormatError(f"this Blender has no {kind} exporter; enable it in the preferences' add-ons") from error
    options = {name: value for name, value in OPTIONS[kind].items() if name in known}
    if kind == GLTF:
        options["export_format"] = "GLB"
    try:
        operator(filepath=str(path), **options)
    except RuntimeError as error:
        raise FormatError(f"Blender's {kind} exporter failed: {_reason(error)}") from error
    if not path.is_file():
        raise FormatError(f"Blender's {kind} exporter wrote nothing; the console has the details")


def _reason(error: RuntimeError) -> str:
    """The line of an operator's error that says what happened; the others say where."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and "Location:" not in line]
    return lines[-1].removeprefix("Error: ") if lines else "the console has the details"


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Where an exporter may write: in the same folder, so that its paths to textures hold; then it replaces `path`."""
    made = half_named(path, path.suffix)
    try:
        yield made
        put_in_place(made, path)
    except OSError as error:
        raise FormatError(f"{quoted(path)} cannot be written: {reason(error)}; choose another place") from error
    finally:
        with suppress(OSError):
            made.unlink()


@contextmanager
def _frames_timed(scene: bpy.types.Scene) -> Iterator[None]:
    """Lets the glTF exporter time 23.976 rightly: up to 5.2 at least, it multiplies by fps_base instead of dividing."""
    base = scene.render.fps_base
    scene.render.fps_base = 1 / base
    try:
        yield
    finally:
        scene.render.fps_base = base


@contextmanager
def _named(scene: bpy.types.Scene, clip: str) -> Iterator[None]:
    """Gives the scene another name, by which glTF and FBX call their clip."""
    before, scene.name = scene.name, clip
    try:
        yield
    finally:
        scene.name = before


@contextmanager
def _selected(objects: list[bpy.types.Object], active: bpy.types.Object) -> Iterator[None]:
    """Only these objects are selected, in object mode; afterwards it is all as it was."""
    layer = bpy.context.view_layer
    before, chosen = [obj for obj in layer.objects if obj.select_get()], layer.objects.active
    mode = chosen.mode if chosen else "OBJECT"
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    try:
        for obj in before:
            obj.select_set(False)
        for obj in objects:
            obj.select_set(True)
        layer.objects.active = active
        yield
    finally:
        for obj in objects:
            obj.select_set(False)
        for obj in before:
            obj.select_set(True)
        layer.objects.active = chosen
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
