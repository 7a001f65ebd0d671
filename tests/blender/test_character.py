"""Which objects are one character, and heads that are badly kept."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest
from mathutils import Euler

from addon.blender.base import sound
from addon.blender.head import rig
from addon.blender.head.character import character_of, is_face
from addon.blender.takes import take_shelf, takes
from addon.blender.takes.bake import Performance, write
from addon.core import channels
from addon.core.curves import Curves
from addon.core.errors import RigError
from tests.blender.test_bones import JAW, still

from .conftest import Head
from .staging import dump


def meshes(chosen: bpy.types.Object) -> set[str]:
    return {mesh.name for mesh in character_of(bpy.context.scene, chosen).meshes}


def empty(name: str, parent: bpy.types.Object | None = None) -> bpy.types.Object:
    obj = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(obj)
    obj.parent = parent
    return obj


def moving(mesh: bpy.types.Object, *keys: str) -> bpy.types.Object:
    """Lets these of a mesh's keys move it."""
    for key in keys:
        mesh.data.shape_keys.key_blocks[key].data[0].co.z += 0.1
    return mesh


def test_of_several_characters_under_one_empty_the_chosen_one_alone_is_taken(make_head: Head):
    cast = empty("Cast")
    for name in ("Ada", "Bob"):
        root = empty(name, cast)
        make_head(f"{name}'s face", parent=root)
        make_head(f"{name}'s teeth", ("jawOpen",), parent=root)
    ada = {"Ada's face", "Ada's teeth"}
    for chosen in ("Ada", *ada):
        assert meshes(bpy.data.objects[chosen]) == ada
        assert character_of(bpy.context.scene, bpy.data.objects[chosen]).root.name == "Ada's face"
    with pytest.raises(RigError, match="'Cast' holds 2 faces; select one: Ada's face, Bob's face"):
        rig.examine(bpy.context.scene, cast)


def test_faces_that_lie_directly_under_one_empty_are_two_characters(make_head: Head):
    cast = empty("Cast")
    ada, bob = make_head("Ada", parent=cast), make_head("Bob", parent=cast)
    make_head("Ada's tongue", ("tongueOut",), parent=ada)
    assert meshes(ada) == {"Ada", "Ada's tongue"}
    assert meshes(bob) == {"Bob"}


def test_what_lies_beside_a_face_under_the_same_empty_goes_with_it_by_their_collection(make_head: Head):
    cast = empty("Cast")
    for name in ("Ada", "Bob"):
        hero = bpy.data.collections.new(name)
        bpy.context.scene.collection.children.link(hero)
        for part, keys in (("face", channels.ARKIT), ("teeth", ("jawOpen",))):
            hero.objects.link(make_head(f"{name}'s {part}", keys, cast))
    assert meshes(bpy.data.objects["Ada's face"]) == {"Ada's face", "Ada's teeth"}
    assert meshes(bpy.data.objects["Bob's teeth"]) == {"Bob's face", "Bob's teeth"}


def test_teeth_and_lashes_that_carry_every_key_are_no_second_face(make_head: Head):
    root = empty("Hero")
    face = moving(make_head("Face", parent=root, height=0), "jawOpen", "eyeBlinkLeft")
    teeth = moving(make_head("Teeth", parent=root, height=0), "jawOpen")
    lashes = moving(make_head("Lashes", parent=root, height=0), "eyeBlinkLeft")
    assert [is_face(mesh) for mesh in (face, teeth, lashes)] == [True, False, False]
    assert meshes(root) == {"Face", "Teeth", "Lashes"}


def test_loose_teeth_that_may_be_anybody_s_are_refused(make_head: Head):
    hero = bpy.data.collections.new("Heroes")
    bpy.context.scene.collection.children.link(hero)
    for name, keys in (("Ada", channels.ARKIT), ("Bob", channels.ARKIT), ("Teeth", ("jawOpen",))):
        obj = make_head(name, keys)
        hero.objects.link(obj)
    with pytest.raises(RigError, match="'Teeth' may belong to Ada or Bob; select the face instead"):
        rig.examine(bpy.context.scene, bpy.data.objects["Teeth"])
    assert meshes(bpy.data.objects["Ada"]) == {"Ada", "Teeth"}


def test_an_empty_above_an_armature_stands_for_its_character(make_head: Head):
    top = empty("Ada")
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(armature)
    armature.parent = top
    make_head("Face", parent=armature)
    beside = make_head("Beard", ("jawOpen",))
    beside.modifiers.new("Armature", "ARMATURE").object = armature
    assert meshes(top) == {"Face", "Beard"}
    assert character_of(bpy.context.scene, top).root == armature


def test_two_conventions_mixed_on_one_head_are_both_keyed(make_head: Head):
    arkit = tuple(name for name in channels.ARKIT if not name.startswith("eyeBlink"))
    found = rig.examine(bpy.context.scene, make_head("Face", (*arkit, "EyeBlinkLeft", "EyeBlinkRight")))
    assert len(found.controls) == 52
    face = make_head("Other", (*arkit, "Eye_Blink_L", "Eye_Blink_R"))
    mixed = rig.examine(bpy.context.scene, face)
    assert {"Eye_Blink_L", "Eye_Blink_R", "jawOpen"} <= set(mixed.controls)
    assert "Keys of another convention fill in: eyeBlinkLeft, eyeBlinkRight." in mixed.explain()


def test_of_keys_that_differ_in_case_the_well_spelt_one_is_keyed_and_the_other_told(make_head: Head):
    found = rig.examine(bpy.context.scene, make_head("Face", ("JAWOPEN", *channels.ARKIT, "jawopen")))
    assert set(found.controls) == set(channels.ARKIT)
    assert "Left alone, for another key has the name: JAWOPEN, jawopen." in found.explain()


def test_names_that_blender_cut_off_are_known_by_what_is_left_but_never_left_for_right(make_head: Head):
    node = f"{'a_very_long_name_of_a_mesh_'.ljust(37, 'x')}blendShape1."
    names = [f"{node}{name}" for name in ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "mouthLowerDownLeft")]
    head = make_head("Face", [*names, f"{node}mouthLowerDownRight"])
    kept = [block.name for block in head.data.shape_keys.key_blocks[1:]]
    assert [len(name) for name in kept] == [56, 63, 63, 63, 63]
    found = rig.examine(bpy.context.scene, head)
    assert set(found.controls) == set(kept[:3])
    assert found.detection.keys["mouthSmileRight"] == kept[2]


def test_keys_that_drive_one_another_in_a_circle_are_left_alone(make_head: Head):
    head = make_head("Face", ("jawOpen", "mouthClose", "mouthFunnel"))
    blocks = head.data.shape_keys.key_blocks
    for name, other in (("jawOpen", "mouthClose"), ("mouthClose", "jawOpen")):
        driver = blocks[name].driver_add("value").driver
        variable = driver.variables.new()
        variable.targets[0].id_type, variable.targets[0].id = "KEY", head.data.shape_keys
        variable.targets[0].data_path = f'key_blocks["{other}"].value'
    found = rig.examine(bpy.context.scene, head)
    assert found.controls == ("mouthFunnel",)
    assert found.notes == ("jawOpen, mouthClose on Face: moved by drivers; remove the drivers to animate",)


def test_keys_whose_range_is_wider_are_keyed_as_any_other(make_head: Head, line: Path):
    head = make_head("Face", ("jawOpen", "mouthClose"))
    key = head.data.shape_keys.key_blocks["jawOpen"]
    key.slider_min, key.slider_max = -2, 3
    write(bpy.context.scene, head, Performance(sound.from_file(str(line), 1), still(jawOpen=1), ()))
    bpy.context.scene.frame_set(1)
    assert key.value == 1
    assert rig.examine(bpy.context.scene, head).notes == ()


def test_keys_that_their_range_holds_back_can_be_widened_in_one_step(make_head: Head, line: Path):
    head = make_head("Face", ("jawOpen", "mouthClose"))
    keys = head.data.shape_keys.key_blocks
    keys["jawOpen"].slider_min, keys["jawOpen"].slider_max = -1, 0.5
    found = rig.examine(bpy.context.scene, head)
    assert found.cut == ("jawOpen",)
    assert found.notes == (
        "jawOpen on Face: held back; set Range to 0 and 1 in the shape keys, or use Widen Ranges in Rig",
    )
    assert bpy.ops.facewright.widen_ranges() == {"FINISHED"}
    assert (keys["jawOpen"].slider_min, keys["jawOpen"].slider_max) == (-1, 1)
    assert rig.examine(bpy.context.scene, head).cut == ()
    with pytest.raises(RuntimeError, match="No key of this head is held back"):
        bpy.ops.facewright.widen_ranges()


@pytest.fixture
def library(make_head: Head, tmp_path: Path) -> Path:
    """A file with a character in a collection: an armature with a head and a jaw, a face, and lashes."""
    hero = bpy.data.collections.new("Hero")
    bpy.context.scene.collection.children.link(hero)
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    hero.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name, end in (("head", (0, 0, 1)), ("jaw", (0, -1, 0))):
        armature.data.edit_bones.new(name).tail = end
    bpy.ops.object.mode_set(mode="OBJECT")
    for name, keys in (("Face", ("mouthClose", "mouthFunnel", "eyeBlinkLeft")), ("Lashes", ("eyeBlinkLeft",))):
        mesh = make_head(name, keys, armature)
        hero.objects.link(mesh)
        mesh.modifiers.new("Armature", "ARMATURE").object = armature
    path = tmp_path / "hero.blend"
    bpy.data.libraries.write(str(path), {hero}, fake_user=True)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    return path


def linked(path: Path) -> bpy.types.Collection:
    with bpy.data.libraries.load(str(path), link=True) as (_there, here):
        here.collections = ["Hero"]
    bpy.context.scene.collection.children.link(here.collections[0])
    bpy.context.view_layer.update()
    return here.collections[0]


def speech() -> Curves:
    return still(jawOpen=0.6, mouthClose=0.2, mouthFunnel=0.5, eyeBlinkLeft=1, headYaw=0.2)


def test_a_linked_character_is_refused_with_the_remedy(library: Path):
    hero = linked(library)
    for obj in hero.objects:
        with pytest.raises(RigError, match="linked from 'hero.blend'; .*Object > Library Override > Make"):
            rig.examine(bpy.context.scene, obj)


def test_a_library_override_is_animated_keys_and_bones_alike(library: Path, line: Path):
    hero = linked(library)
    mine = hero.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer, do_fully_editable=True)
    face = next(obj for obj in mine.all_objects if obj.name.startswith("Face"))
    assert "Shift-click the chain beside the mesh of Face" in rig.examine(bpy.context.scene, face).notes[0]
    for obj in mine.all_objects:
        if obj.type == "MESH":
            obj.data.override_create(remap_local_usages=True)
    bpy.context.view_layer.update()
    found = rig.examine(bpy.context.scene, face)
    assert found.notes == ()
    assert set(found.joints) == {"head", "jaw"}
    write(bpy.context.scene, face, Performance(sound.from_file(str(line), 1), speech(), ()))
    bpy.context.scene.frame_set(1)
    armature = next(obj for obj in mine.all_objects if obj.type == "ARMATURE")
    assert face.data.shape_keys.key_blocks["mouthFunnel"].value == pytest.approx(0.5)
    assert armature.pose.bones["jaw"].rotation_quaternion.angle == pytest.approx(JAW * 0.6, abs=1e-3)
    assert armature.pose.bones["head"].rotation_quaternion.angle == pytest.approx(0.2, abs=1e-3)
    assert not armature.library
    assert bpy.data.libraries[0].filepath.endswith("hero.blend")


def overridden(library: Path) -> tuple[bpy.types.Object, bpy.types.Object]:
    """The face and the armature of a character that is overridden whole."""
    hero = linked(library)
    mine = hero.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer, do_fully_editable=True)
    for obj in mine.all_objects:
        if obj.type == "MESH":
            obj.data.override_create(remap_local_usages=True)
    bpy.context.view_layer.update()
    return overrides()


def overrides() -> tuple[bpy.types.Object, bpy.types.Object]:
    """The face and the armature among the scene's objects."""
    own = {obj.name: obj for obj in bpy.context.scene.objects if obj.override_library}
    return own["Face"], own["Rig"]


def reopened(path: Path) -> tuple[bpy.types.Object, bpy.types.Object]:
    """The same after saving and loading, on a frame of the line."""
    bpy.context.scene.frame_set(1)
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return overrides()


def test_bones_of_a_library_override_do_not_turn_on_from_the_last_bake_after_loading(library: Path, line: Path):
    said = Performance(sound.from_file(str(line), 1), speech(), ())
    face, armature = overridden(library)
    armature.pose.bones["jaw"].rotation_quaternion = Euler((0, 0.3, 0)).to_quaternion()
    write(bpy.context.scene, face, said)
    keyed = dump()["Facewright hello there Rig"][0]
    face, armature = reopened(line.with_name("shot.blend"))
    write(bpy.context.scene, face, said)
    assert dump()["Facewright hello there Rig.001"][0] == keyed
    reopened(line.with_name("shot.blend"))
    held = takes.of(bpy.context.scene).takes
    while len(held):
        take_shelf.remove(bpy.context.scene, held[0])
    face, armature = overrides()
    assert armature.animation_data.action is None
    assert armature.pose.bones["jaw"].rotation_quaternion.to_euler().y == pytest.approx(0.3, abs=1e-5)


def test_keys_of_the_animators_on_a_library_override_stay_under_every_bake_after_loading(library: Path, line: Path):
    said = Performance(sound.from_file(str(line), 1), speech(), ())
    face, armature = overridden(library)
    bone = armature.pose.bones["head"]
    for frame, angle in ((1, 0.0), (48, 0.6)):
        bone.rotation_quaternion = Euler((0, angle, 0)).to_quaternion()
        bone.keyframe_insert("rotation_quaternion", frame=frame)
    write(bpy.context.scene, face, said)
    keyed = dump()["Facewright hello there Rig"][0]
    face, armature = reopened(line.with_name("shot.blend"))
    write(bpy.context.scene, face, said)
    assert dump()["Facewright hello there Rig.001"][0] == keyed


def test_a_take_is_not_shown_on_a_mesh_that_is_linked_again(library: Path, line: Path):
    face, _armature = overridden(library)
    for _ in range(2):
        write(bpy.context.scene, face, Performance(sound.from_file(str(line), 1), speech(), ()))
    face.data = face.data.override_library.reference  # as where Blender resyncs the override without its mesh
    held = takes.of(bpy.context.scene)
    with pytest.raises(RigError, match="'Face' is linked from 'hero.blend'; override them: Shift-click the chain"):
        takes.switch(bpy.context.scene, held.takes[0])
    assert [takes.is_current(take) for take in held.takes] == [False, True]
