"""glTF, FBX and USD by Blender's own exporters: written, read back, and compared with the keys."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from addon.blender.base import compat
from addon.blender.takes import engine_export
from addon.core import channels
from addon.core.curves import Curves
from addon.core.errors import FormatError, RigError

from .test_export import baked, performed

# Blender 5.2's FBX exporter with the newest NumPy.
pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")

ERROR = 1e-5  # of a key's value at any frame
FRAMES = 48
Tracks = dict[str, np.ndarray]  # key → value on each frame


@pytest.fixture
def character(make_head: Callable[..., bpy.types.Object], scene: bpy.types.Scene) -> bpy.types.Object:
    """A face and teeth under an armature, with a line baked on frames 1 to 48; another object stands beside them."""
    armature = bpy.data.armatures.new("Rig")
    rig = bpy.data.objects.new("Rig", armature)
    scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bone = armature.edit_bones.new("spine")
    bone.head, bone.tail = (0, 0, 0), (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    make_head("Bystander", keys=())
    meshes = {"Teeth": ("jawOpen", "jawLeft"), "Face": channels.ARKIT}
    for name, keys in meshes.items():
        mesh = make_head(name, keys=keys, parent=rig)
        for index, key in enumerate(keys):
            mesh.data.shape_keys.key_blocks[key].data[index % 3].co.z += 1 + index / 10  # exporters drop empty keys
        mesh.modifiers.new("Rig", "ARMATURE").object = rig
        mesh.vertex_groups.new(name="spine").add([0, 1, 2], 1.0, "REPLACE")
    scene.frame_end = FRAMES
    face = bpy.data.objects["Face"]
    baked(face, performed())
    return face


def wanted() -> Curves:
    return performed()


def check(tracks: Tracks, keys: tuple[str, ...]) -> None:
    """Every key's values at every frame are those that were baked."""
    assert set(keys) <= tracks.keys()
    for key in keys:
        np.testing.assert_allclose(tracks[key], wanted().column(key), atol=ERROR, err_msg=key)


def contents(path: Path) -> dict[str, Any]:
    """The JSON of a .glb."""
    data = path.read_bytes()
    return json.loads(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])


def glb(path: Path) -> tuple[dict[str, Tracks], int, np.ndarray]:
    """Weights of each node of a .glb, how many clips it has, and the seconds of their keys; read without Blender."""
    data = path.read_bytes()
    scene, binary = contents(path), data[28 + struct.unpack("<I", data[12:16])[0] :]

    def numbers(index: int) -> np.ndarray:
        accessor = scene["accessors"][index]
        view = scene["bufferViews"][accessor["bufferView"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        return np.frombuffer(binary, np.float32, accessor["count"], start)

    tracks, times = {}, np.zeros(0)
    for clip in scene["animations"]:
        for channel in clip["channels"]:
            if channel["target"]["path"] == "weights":
                node = scene["nodes"][channel["target"]["node"]]
                sampler = clip["samplers"][channel["sampler"]]
                assert sampler["interpolation"] == "LINEAR"
                times = numbers(sampler["input"])
                weights = numbers(sampler["output"]).reshape(len(times), -1)
                names = scene["meshes"][node["mesh"]]["extras"]["targetNames"]
                tracks[node["name"]] = dict(zip(names, weights.T, strict=True))
    return tracks, len(scene["animations"]), times


def imported(name: str, first: int = 1) -> Tracks:
    """The values of an imported mesh's keys on every frame, from its curves."""
    mesh = next(obj for obj in bpy.data.objects if obj.name.split(".")[0] == name and obj.type == "MESH")
    keys = mesh.data.shape_keys
    curves = compat.curves_of(keys.animation_data.action, keys)
    values = {curve.data_path.split('"')[1]: curve for curve in curves}
    frames = range(first, first + FRAMES)
    return {key: np.array([curve.evaluate(frame) for frame in frames]) for key, curve in values.items()}


def fbx_import(path: str) -> None:
    """As the frames are in the file: by default the importer puts all of it one frame later."""
    if hasattr(bpy.types, "IMPORT_SCENE_OT_fbx"):
        bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0)
    else:
        bpy.ops.wm.fbx_import(filepath=path, anim_offset=0.0)


def emptied() -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.context.scene.render.fps = 24


def test_gltf_has_one_clip_with_every_key_of_every_mesh(character, scene, tmp_path):
    notes = engine_export.export(scene, character, tmp_path / "face.glb")
    tracks, clips, times = glb(tmp_path / "face.glb")
    assert (notes, clips, tracks.keys()) == ((), 1, {"Face", "Teeth"})
    np.testing.assert_allclose(times, np.arange(FRAMES) / 24, atol=1e-6)  # frame 1 is second 0
    check(tracks["Face"], channels.ARKIT)
    check(tracks["Teeth"], ("jawOpen", "jawLeft"))


def test_fbx_has_every_key_of_every_mesh(character, scene, tmp_path):
    assert engine_export.export(scene, character, tmp_path / "face.fbx") == ()
    emptied()
    fbx_import(str(tmp_path / "face.fbx"))
    assert "Bystander" not in bpy.data.objects
    check(imported("Face"), channels.ARKIT)
    check(imported("Teeth"), ("jawOpen", "jawLeft"))


def test_fbx_as_blender_writes_it_by_default_has_no_curve_of_any_key(character, tmp_path):
    bpy.ops.export_scene.fbx(filepath=str(tmp_path / "plain.fbx"))
    assert b"AnimCurve" not in (tmp_path / "plain.fbx").read_bytes()


@pytest.mark.parametrize("suffix", [".usda", ".usdc"])
def test_usd_of_a_head_without_an_armature_comes_back(head, scene, tmp_path, suffix):
    for index, block in enumerate(head.data.shape_keys.key_blocks[1:]):
        block.data[index % 3].co.z += 1
    scene.frame_end = FRAMES
    baked(head, performed())
    assert engine_export.export(scene, head, tmp_path / f"face{suffix}") == ()
    emptied()
    bpy.ops.wm.usd_import(filepath=str(tmp_path / f"face{suffix}"))
    check(imported("Face"), channels.ARKIT)


def test_usd_holds_the_weights_of_every_mesh_under_an_armature(character, scene, tmp_path):
    notes = engine_export.export(scene, character, tmp_path / "face.usda")
    assert "numbers the weights of further meshes" in notes[0]
    text = (tmp_path / "face.usda").read_text()
    animation = text[text.index("def SkelAnimation") :]
    names = re.findall(r'"([^"]+)"', re.search(r"blendShapes = \[(.*?)\]", animation, re.DOTALL)[1])
    samples = re.search(r"blendShapeWeights.timeSamples = \{(.*?)\}", animation, re.DOTALL)[1]
    rows = np.array([[float(n) for n in row.split(",")] for row in re.findall(r"\[(.*?)\]", samples)])
    weights = dict(zip(names, rows.T, strict=True))
    for mesh, keys in (("Face", channels.ARKIT), ("Teeth", ("jawOpen", "jawLeft"))):
        block = text[text.index(f'def Mesh "{mesh}"') :]
        shown = re.findall(r'"([^"]+)"', re.search(r"skel:blendShapes = \[(.*?)\]", block, re.DOTALL)[1])
        targets = re.findall(r"/(\w+)>", re.search(r"blendShapeTargets = \[(.*?)\]", block, re.DOTALL)[1])
        check({target: weights[name] for target, name in zip(targets, shown, strict=True)}, keys)


def test_the_demo_head_is_exported_whole(tmp_path):
    bpy.ops.wm.open_mainfile(filepath=str(Path(__file__).parents[2] / "samples" / "head.blend"))
    scene, face = bpy.context.scene, bpy.data.objects["Face"]
    scene.frame_end, scene.render.fps = FRAMES, 24
    baked(face, performed())
    engine_export.export(scene, face, tmp_path / "head.glb")
    tracks, clips, _times = glb(tmp_path / "head.glb")
    assert (clips, tracks.keys()) == (1, {"Face", "Eyes", "Teeth", "Tongue", "Lashes", "Brows"})
    for name, track in tracks.items():
        keys = [block.name for block in bpy.data.objects[name].data.shape_keys.key_blocks[1:]]
        check(track, tuple(keys))


@pytest.mark.parametrize(("suffix", "late"), [(".glb", 1), (".fbx", 0), (".usdc", 0)])
def test_keys_that_drivers_move_are_sampled(head, scene, tmp_path, suffix, late):
    for index, block in enumerate(head.data.shape_keys.key_blocks[1:]):
        block.data[index % 3].co.z += 1
    for frame in range(1, FRAMES + 1):
        head["control"] = 0.5 + 0.5 * np.sin(frame)
        head.keyframe_insert('["control"]', frame=frame)
    driver = head.data.shape_keys.driver_add('key_blocks["jawOpen"].value').driver
    variable = driver.variables.new()
    variable.name, driver.expression = "control", "control"
    variable.targets[0].id, variable.targets[0].data_path = head, '["control"]'
    scene.frame_end = FRAMES
    shown = []
    for frame in range(1, FRAMES + 1):
        scene.frame_set(frame)
        shown.append(head.data.shape_keys.key_blocks["jawOpen"].value)
    engine_export.export(scene, head, tmp_path / f"face{suffix}")
    emptied()
    imports = {
        ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
        ".fbx": fbx_import,
        ".usdc": lambda path: bpy.ops.wm.usd_import(filepath=path),
    }
    imports[suffix](str(tmp_path / f"face{suffix}"))
    found = imported("Face", first=1 - late)["jawOpen"]
    assert np.ptp(shown) > 0.9
    np.testing.assert_allclose(found, shown, atol=ERROR)


def test_modifiers_do_not_cost_the_keys_and_are_told(character, scene, tmp_path):
    character.modifiers.new("Smooth", "SUBSURF")
    for suffix in (".glb", ".fbx"):
        notes = engine_export.export(scene, character, tmp_path / f"face{suffix}")
        assert notes == (
            "Face: exported without modifiers, because the shape keys would be lost; subdivide in the engine",
        )
    check(glb(tmp_path / "face.glb")[0]["Face"], channels.ARKIT)


def test_selection_and_mode_are_as_before(character, scene, tmp_path):
    bystander = bpy.data.objects["Bystander"]
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj == bystander)
    bpy.context.view_layer.objects.active = bystander
    bpy.ops.object.mode_set(mode="EDIT")
    engine_export.export(scene, character, tmp_path / "face.glb")
    assert bystander.mode == "EDIT"
    assert [obj.name for obj in bpy.context.view_layer.objects if obj.select_get()] == ["Bystander"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["face.glb"]


def test_what_cannot_be_exported_is_one_line_and_writes_nothing(character, scene, tmp_path):
    for path, says in (
        (tmp_path / "face.dae", "unknown ending '.dae'"),
        (tmp_path / "no" / "face.glb", "its folder does not exist"),
    ):
        with pytest.raises(FormatError, match=says):
            engine_export.export(scene, character, path)
    with pytest.raises(RigError, match="no head is chosen"):
        engine_export.export(scene, None, tmp_path / "face.glb")
    for name in ("Face", "Teeth"):
        bpy.data.objects[name].hide_viewport = True
    with pytest.raises(RigError, match="is hidden; show it"):
        engine_export.export(scene, character, tmp_path / "face.glb")
    assert not list(tmp_path.iterdir())


def test_a_link_stays_one_and_what_it_is_for_is_written(character, scene, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "face.glb").symlink_to("far/real.glb")
    engine_export.export(scene, character, tmp_path / "face.glb")
    assert (tmp_path / "face.glb").is_symlink()
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["real.glb"]


def test_the_operator_exports_the_active_head(character, tmp_path):
    bpy.context.view_layer.objects.active = character
    assert bpy.ops.facewright.export_character(filepath=str(tmp_path / "face.glb")) == {"FINISHED"}
    check(glb(tmp_path / "face.glb")[0]["Face"], channels.ARKIT)
    with pytest.raises(RuntimeError, match="unknown ending"):
        bpy.ops.facewright.export_character(filepath=str(tmp_path / "face.mp4"))


def test_gltf_keeps_time_at_a_rate_of_television(character, scene, tmp_path):
    scene.render.fps, scene.render.fps_base = 30, 1.001
    engine_export.export(scene, character, tmp_path / "face.glb")
    assert scene.render.fps_base == pytest.approx(1.001)
    _tracks, _clips, times = glb(tmp_path / "face.glb")
    np.testing.assert_allclose(times, np.arange(FRAMES) * 1.001 / 30, atol=1e-5)


def test_clips_are_called_as_their_file_is_and_the_scene_keeps_its_name(character, scene, tmp_path):
    before = scene.name
    for suffix in (".glb", ".fbx"):
        engine_export.export(scene, character, tmp_path / f"anna_010{suffix}")
    assert scene.name == before
    assert [clip["name"] for clip in contents(tmp_path / "anna_010.glb")["animations"]] == ["anna_010"]
    emptied()
    fbx_import(str(tmp_path / "anna_010.fbx"))
    assert {action.name.split("|")[-1] for action in bpy.data.actions} == {"anna_010"}


def test_other_scenes_of_the_file_leave_no_trace_in_gltf(character, scene, tmp_path):
    other = bpy.data.scenes.new("Other")
    other.collection.objects.link(character)
    engine_export.export(scene, character, tmp_path / "face.glb")
    found = contents(tmp_path / "face.glb")
    assert (len(found["scenes"]), len(found["animations"])) == (1, 1)


@pytest.mark.parametrize("suffix", [".glb", ".fbx", ".usda"])
def test_what_is_hidden_is_told_to_be_left_out(character, scene, tmp_path, suffix):
    bpy.data.objects["Rig"].hide_set(True)
    bpy.data.objects["Teeth"].hide_select = True
    notes = engine_export.export(scene, character, tmp_path / f"face{suffix}")
    left = [note for note in notes if "hidden or not selectable, so not in the file" in note]
    assert [set(note.split(":")[0].split(", ")) for note in left] == [{"Rig", "Teeth"}]


def test_a_linked_scene_is_exported_under_its_own_name(character, scene, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    emptied()
    with bpy.data.libraries.load(str(tmp_path / "shot.blend"), link=True) as (_source, target):
        target.scenes = ["Scene"]
    linked = next(each for each in bpy.data.scenes if each.library)
    bpy.context.window.scene = linked
    engine_export.export(linked, linked.objects["Face"], tmp_path / "face.glb")
    assert [clip["name"] for clip in contents(tmp_path / "face.glb")["animations"]] == ["Scene"]
