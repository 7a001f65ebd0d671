"""Values shown without keys: over what is there, on every frame, and gone without a trace."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from addon.blender.fcurves.preview_overlay import MARK, Overlay, heal
from addon.blender.fcurves.targets import Owner, Strand, value_path

from .conftest import curve_of, keys_on


def strand(head: bpy.types.Object, name: str, values: list[float]) -> Strand:
    owner = Owner("shape_keys", head.data.shape_keys.name, head.name)
    return Strand(owner, value_path(name), 0, "Mouth", name, np.array(values, np.float32))


def value(head: bpy.types.Object, name: str) -> float:
    return head.data.shape_keys.key_blocks[name].value


@pytest.fixture
def overlay(head) -> Overlay:
    for name in ("jawOpen", "mouthPucker"):
        head.data.shape_keys.key_blocks[name].value = 0.0
    return Overlay([strand(head, "jawOpen", [0.25, 0.5, 0.75]), strand(head, "mouthPucker", [0, 0, 0])], 10)


def test_each_frame_of_the_line_shows_its_row_and_other_frames_show_none(head, overlay: Overlay):
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.125
    for frame, seen in ((9, 0.125), (10, 0.25), (12, 0.75), (13, 0.125), (11, 0.5)):
        overlay.lift()
        overlay.lay(frame)
        assert value(head, "jawOpen") == seen


def test_lifting_leaves_nothing_behind(head, overlay: Overlay):
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.125
    before = {key.name: key.value for key in head.data.shape_keys.key_blocks}
    overlay.lay(12)
    assert MARK in head.data.shape_keys
    overlay.lift()
    assert {key.name: key.value for key in head.data.shape_keys.key_blocks} == before
    assert list(head.data.shape_keys.keys()) == []
    assert head.data.shape_keys.animation_data is None


def test_hand_keys_lie_below_untouched_and_show_again(head, scene, overlay: Overlay):
    keys = head.data.shape_keys
    for frame, height in ((1, 0.0), (11, 0.0), (21, 1.0)):
        keys.key_blocks["jawOpen"].value = height
        keys.key_blocks["jawOpen"].keyframe_insert("value", frame=frame)
    before = keys_on(head, "jawOpen").copy()
    action = keys.animation_data.action
    for frame in (10, 11, 12):
        overlay.lift()
        scene.frame_set(frame)
        overlay.lay(frame)
        assert value(head, "jawOpen") == pytest.approx(0.25 * (frame - 9))
    overlay.lift()
    assert value(head, "jawOpen") == pytest.approx(curve_of(head, "jawOpen").evaluate(12))
    assert keys.animation_data.action == action
    assert np.array_equal(keys_on(head, "jawOpen"), before)


def test_what_somebody_moves_meanwhile_is_theirs(head, overlay: Overlay):
    overlay.lay(12)
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.375
    overlay.lift()
    assert value(head, "jawOpen") == 0.375


def test_a_key_that_is_renamed_meanwhile_is_lifted_under_its_new_name(head, overlay: Overlay):
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.125
    overlay.lay(12)
    head.data.shape_keys.key_blocks["jawOpen"].name = 'the "Jaw"'
    overlay.lift()
    assert value(head, 'the "Jaw"') == 0.125


def test_values_that_a_keys_range_cuts_are_lifted_all_the_same(head):
    overlay = Overlay([strand(head, "jawOpen", [2.0])], 1)
    before = value(head, "jawOpen")
    overlay.lay(1)
    assert value(head, "jawOpen") == 1.0
    overlay.lift()
    assert value(head, "jawOpen") == before


def test_a_key_or_a_head_that_is_deleted_meanwhile_is_no_trouble(head, overlay: Overlay):
    overlay.lay(10)
    head.shape_key_remove(head.data.shape_keys.key_blocks["mouthPucker"])
    overlay.lift()
    overlay.lay(11)
    assert value(head, "jawOpen") == 0.5
    mesh = head.data
    bpy.data.objects.remove(head)
    bpy.data.meshes.remove(mesh)
    overlay.lift()
    overlay.lay(11)


def test_bones_objects_and_custom_properties_are_shown_too(scene):
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bone = rig.data.edit_bones.new('he"ad.x')
    bone.tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    rig["jaw.open"] = 0.5
    rig.pose.bones[0]["smile"] = 0.125
    owner = Owner("objects", "Rig", "Rig")
    bone_path = f'pose.bones["{bpy.utils.escape_identifier(rig.pose.bones[0].name)}"]'
    places = [("rotation_euler", 2), ('["jaw.open"]', 0), (f"{bone_path}.location", 1), (f'{bone_path}["smile"]', 0)]
    overlay = Overlay([Strand(owner, path, index, "Face", path, np.ones(1, np.float32)) for path, index in places], 1)
    overlay.lay(1)
    assert (rig.rotation_euler[2], rig["jaw.open"], rig.pose.bones[0].location[1]) == (1, 1, 1)
    assert rig.pose.bones[0]["smile"] == 1
    rig.data.bones[0].name = "skull"
    overlay.lift()
    assert (rig.rotation_euler[2], rig["jaw.open"], rig.pose.bones[0].location[1]) == (0, 0.5, 0)
    assert rig.pose.bones[0]["smile"] == 0.125
    assert sorted(rig.keys()) == ["jaw.open"]


def test_an_undo_step_from_within_a_preview_is_healed(head, scene, overlay: Overlay):
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.125
    bpy.ops.ed.undo_push(message="before")
    overlay.lay(12)
    bpy.ops.ed.undo_push(message="a slider was moved")
    overlay.lift()
    bpy.data.objects["Face"].location.x = 1
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    heal()
    head = bpy.data.objects["Face"]
    assert value(head, "jawOpen") == 0.125
    assert MARK not in head.data.shape_keys


def test_an_edited_mark_heals_nothing_and_goes(head):
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.25
    head.data.shape_keys[MARK] = "nonsense"
    assert heal() == 1
    assert value(head, "jawOpen") == 0.25
    assert heal() == 0


def test_the_head_that_is_drawn_follows(head, scene, overlay: Overlay):
    head.data.shape_keys.key_blocks["jawOpen"].data[0].co = (0, 0, 1)
    overlay.lay(12)
    shown = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    assert shown.vertices[0].co.z == pytest.approx(0.75)
