"""Which meshes are one character, and what is said about those that cannot move."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from addon.blender.head import rig
from addon.blender.head.character import character_of
from addon.core import channels
from addon.core.errors import RigError
from addon.core.rigs import RigMap, conventions

from .conftest import Head


def meshes_of(chosen: bpy.types.Object) -> set[str]:
    return {obj.name for obj in character_of(bpy.context.scene, chosen).meshes}


def add(obj: bpy.types.Object, collection: bpy.types.Collection | None = None) -> bpy.types.Object:
    (collection or bpy.context.scene.collection).objects.link(obj)
    return obj


def refusal(chosen: bpy.types.Object | None) -> str:
    with pytest.raises(RigError) as caught:
        rig.examine(bpy.context.scene, chosen)
    return str(caught.value)


def test_meshes_under_one_parent_are_one_character(make_head: Head):
    root = add(bpy.data.objects.new("Head", None))
    neck = add(bpy.data.objects.new("Neck", None))
    neck.parent = root
    face, teeth = make_head("Face", parent=neck), make_head("Teeth", ("jawOpen",), parent=root)
    make_head("Somebody else")
    for chosen in (root, neck, face, teeth):
        assert meshes_of(chosen) == {"Face", "Teeth"}


def test_meshes_of_one_armature_are_one_character_even_beside_another_on_the_same_parent(make_head: Head):
    stage = add(bpy.data.objects.new("Stage", None))
    faces = []
    for name in ("A", "B"):
        armature = add(bpy.data.objects.new(f"Rig {name}", bpy.data.armatures.new(name)))
        armature.parent = stage
        faces.append(make_head(f"Face {name}"))
        faces[-1].modifiers.new("Armature", "ARMATURE").object = armature
        make_head(f"Teeth {name}", ("jawOpen",), parent=armature)
    assert meshes_of(faces[0]) == {"Face A", "Teeth A"}
    assert meshes_of(bpy.data.objects["Rig B"]) == {"Face B", "Teeth B"}


def test_loose_meshes_of_one_collection_are_one_character_but_two_faces_are_not(make_head: Head):
    collection = bpy.data.collections.new("Hero")
    bpy.context.scene.collection.children.link(collection)
    for name, keys in (("Face", channels.ARKIT), ("Lashes", ("eyeBlinkLeft",)), ("Twin", channels.ARKIT)):
        obj = make_head(name, keys)
        bpy.context.scene.collection.objects.unlink(obj)
        add(obj, collection)
    assert meshes_of(bpy.data.objects["Face"]) == {"Face", "Lashes"}


def test_a_stranger_that_shows_the_same_mesh_is_told(make_head: Head):
    face = make_head("Anna")
    assert rig.examine(bpy.context.scene, face).notes == ()
    add(bpy.data.objects.new("Bob", face.data))
    (note,) = rig.examine(bpy.context.scene, face).notes
    assert note.startswith("Bob: the same mesh as 'Anna', so it says every line too; Object > Relations > Make Single")


def test_loose_meshes_of_the_scene_are_strangers(make_head: Head):
    make_head("Somebody else", ("jawOpen",))
    assert meshes_of(make_head("Face")) == {"Face"}


def test_coverage_counts_what_is_found_on_all_meshes(make_head: Head):
    face = make_head("Face", [name for name in channels.ARKIT if name != "tongueOut"])
    make_head("Tongue", ("tongueOut",), parent=face)
    found = rig.examine(bpy.context.scene, face)
    assert len(found.detection.keys) == 52
    assert found.detection.missing == ()


def test_a_body_whose_own_keys_are_driven_does_not_trouble_the_face(make_head: Head):
    face = make_head("Face")
    body = make_head("Body", ("elbow fix",), parent=face)
    body.data.shape_keys.key_blocks["elbow fix"].driver_add("value")
    assert rig.examine(bpy.context.scene, face).notes == ()


def test_a_muted_driver_is_no_driver(head: bpy.types.Object):
    head.data.shape_keys.key_blocks["jawOpen"].driver_add("value").mute = True
    assert rig.examine(bpy.context.scene, head).notes == ()


def test_nothing_chosen_is_refused(scene):
    assert refusal(None) == "no head is chosen; select the character's face"


@pytest.mark.parametrize("keys", [(), None])
def test_a_head_without_keys_is_refused(make_head: Head, keys):
    chosen = (
        make_head(keys=keys)
        if keys is not None
        else add(bpy.data.objects.new("Lamp", bpy.data.lights.new("L", "SPOT")))
    )
    assert "has no shape keys; select a face that has them" in refusal(chosen)


def test_a_head_without_a_known_key_is_refused_by_their_names(make_head: Head):
    assert "Smile" in refusal(make_head(keys=("Basis2", "Smile big")))


def test_a_head_whose_keys_are_all_driven_is_refused(make_head: Head):
    head = make_head(keys=("jawOpen", "mouthClose"))
    for block in head.data.shape_keys.key_blocks[1:]:
        block.driver_add("value")
    assert refusal(head).startswith("'Face' would not move: jawOpen, mouthClose on Face: moved by drivers")


def test_a_head_whose_keys_are_all_muted_is_refused_with_the_first_few_named(head: bpy.types.Object):
    for block in head.data.shape_keys.key_blocks:
        block.mute = True
    assert "and 48 more on Face: muted" in refusal(head)


def test_a_head_whose_curves_are_all_locked_is_refused(make_head: Head):
    from .conftest import curve_of

    head = make_head(keys=("jawOpen",))
    head.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value")
    curve_of(head, "jawOpen").lock = True
    assert "jawOpen on Face: locked" in refusal(head)


def test_a_head_whose_curves_lie_in_a_locked_group_is_refused(make_head: Head):
    from .conftest import curve_of

    head = make_head(keys=("jawOpen",))
    head.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", group="Mouth")
    curve_of(head, "jawOpen").group.lock = True
    assert "jawOpen on Face: locked" in refusal(head)


def test_absolute_keys_are_refused(head: bpy.types.Object):
    head.data.shape_keys.use_relative = False
    assert "tick Relative" in refusal(head)


def test_keys_that_are_tweaked_in_the_nla_are_refused(make_head: Head):
    head = make_head(keys=("jawOpen",))
    data = nla_track(head)
    data.nla_tracks[0].strips[0].select = True
    data.nla_tracks.active = data.nla_tracks[0]
    data.use_tweak_mode = True
    assert "leave tweak mode" in refusal(head)


def nla_track(head: bpy.types.Object) -> bpy.types.AnimData:
    """The animation of a head whose jaw lies in an NLA strip."""
    keys = head.data.shape_keys
    keys.key_blocks["jawOpen"].keyframe_insert("value")
    data = keys.animation_data
    data.nla_tracks.new().strips.new("take", 1, data.action)
    data.action = None
    return data


def test_keys_that_a_soloed_nla_track_holds_are_refused(head: bpy.types.Object):
    data = nla_track(head)
    data.nla_tracks[0].is_solo = True
    assert "untick its star" in refusal(head)
    data.use_nla = False
    assert len(rig.examine(bpy.context.scene, head).controls) == 52


def test_keys_whose_action_has_no_influence_are_refused(head: bpy.types.Object):
    nla_track(head).action_influence = 0
    assert "raise the Action's influence" in refusal(head)


def test_keys_whose_action_is_taken_from_what_its_tracks_hold_are_refused(head: bpy.types.Object):
    data = nla_track(head)
    for blending in ("MULTIPLY", "SUBTRACT"):
        data.action_blend_type = blending
        assert f"by {blending.title()}; set the Action's Blending to Replace" in refusal(head)
    data.action_blend_type = "ADD"
    assert len(rig.examine(bpy.context.scene, head).controls) == 52


def test_a_mesh_that_has_only_its_basis_is_refused_in_one_line(make_head: Head):
    head = make_head(keys=())
    head.shape_key_add(name="Basis")
    assert "No shape keys" in refusal(head)
    head.shape_key_add(name="Smile big")
    assert "None of the 1 keys" in refusal(head)
    assert "\n" not in refusal(head)


def test_a_linked_mesh_whose_keys_are_named_as_the_local_ones_is_not_passed_over(make_head: Head, tmp_path: Path):
    lashes = make_head("Lashes", ("eyeBlinkLeft",))
    bpy.data.libraries.write(str(tmp_path / "hero.blend"), {lashes}, fake_user=True)
    bpy.data.meshes.remove(lashes.data)
    hero = bpy.data.collections.new("Hero")
    local = make_head("Face")
    with bpy.data.libraries.load(str(tmp_path / "hero.blend"), link=True) as (_there, here):
        here.objects = ["Lashes"]
    linked = add(here.objects[0], hero)
    add(local, hero)
    bpy.context.scene.collection.children.link(hero)
    assert linked.data.shape_keys.name == local.data.shape_keys.name
    assert "eyeBlinkLeft on Lashes: linked from 'hero.blend'" in rig.examine(bpy.context.scene, local).notes[0]


def test_an_instanced_collection_is_refused_with_the_remedy(make_head: Head):
    collection = bpy.data.collections.new("Hero")
    instance = add(bpy.data.objects.new("Hero", None))
    instance.instance_type, instance.instance_collection = "COLLECTION", collection
    assert "Make Instances Real" in refusal(instance)


def test_a_linked_head_is_refused_until_its_mesh_is_overridden(make_head: Head, tmp_path: Path):
    bpy.data.libraries.write(str(tmp_path / "hero.blend"), {make_head()}, fake_user=True)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "hero.blend"), link=True) as (_there, here):
        here.objects = ["Face"]
    linked = add(here.objects[0])
    assert "linked from 'hero.blend'; override them: Object > Library Override > Make" in refusal(linked)
    mine = linked.override_create(remap_local_usages=True)
    assert "Shift-click the chain beside the mesh of Face" in refusal(mine)
    mine.data.override_create(remap_local_usages=True)
    assert len(rig.examine(bpy.context.scene, mine).controls) == 52


def test_the_remedy_for_meshes_of_one_library_is_told_once(make_head: Head, tmp_path: Path):
    names = ["Face", "Lashes", "Teeth"]
    meshes = {make_head("Face"), make_head("Lashes", ("eyeBlinkLeft",)), make_head("Teeth", ("jawOpen",))}
    bpy.data.libraries.write(str(tmp_path / "hero.blend"), meshes, fake_user=True)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "hero.blend"), link=True) as (_there, here):
        here.objects = names
    hero = bpy.data.collections.new("Hero")
    bpy.context.scene.collection.children.link(hero)
    face, *_ = [add(linked, hero) for linked in here.objects]
    assert refusal(face).count("linked from") == 1
    assert "Shift-click the chain beside the mesh of Face, Lashes, Teeth in its Data tab" in refusal(face)


@pytest.mark.parametrize("convention", conventions(), ids=lambda convention: convention.name)
def test_every_key_of_every_convention_is_written(make_head: Head, convention: RigMap):
    written = {*convention.weights, *convention.visemes}
    face = make_head("Face", (*written, *convention.idle))
    found = rig.examine(bpy.context.scene, face)
    assert found.detection.rig == convention
    assert set(found.controls) == written


def test_keys_that_cannot_take_a_conventions_negative_values_are_told(make_head: Head):
    board = next(convention for convention in conventions() if convention.span == (-1, 1))
    face = make_head("Face", tuple(board.weights))
    assert "held back; set Range to -1 and 1" in rig.examine(bpy.context.scene, face).notes[0]
    for block in face.data.shape_keys.key_blocks:
        block.slider_min = -1
    assert rig.examine(bpy.context.scene, face).notes == ()
