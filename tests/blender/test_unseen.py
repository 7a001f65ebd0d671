"""What is keyed and cannot be seen is told, and what can be seen is preferred to it."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from addon.blender.base import sound
from addon.blender.head import rig
from addon.blender.takes import bake
from addon.core import channels
from addon.core.curves import Curves

from .conftest import Head, armature_with


def say(head: bpy.types.Object) -> bake.Report:
    """Every channel but the closing of the lips rises to a half on the head."""
    names = tuple(name for name in channels.ARKIT if name != "mouthClose")
    values = np.linspace(0, 0.5, 10, dtype=np.float32)[:, np.newaxis].repeat(len(names), axis=1)
    line = sound.Line(Path("/nowhere/line.wav"), "line", 1)
    return bake.write(bpy.context.scene, head, bake.Performance(line, Curves(values, names, 24.0)))


def flatten(head: bpy.types.Object, name: str) -> None:
    keys = head.data.shape_keys
    keys.key_blocks[name].data[0].co = keys.reference_key.data[0].co


def read(owner: bpy.types.Object, name: str, source: bpy.types.ID, path: str) -> None:
    """Lets a driver on the owner's shape key read a property."""
    variable = owner.data.shape_keys.key_blocks[name].driver_add("value").driver.variables.new()
    variable.targets[0].id_type = source.id_type
    variable.targets[0].id, variable.targets[0].data_path = source, path


def test_keys_without_a_shape_are_told_when_the_line_moves_them(make_head: Head):
    head = make_head()
    assert say(head).notes == ()
    flatten(head, "jawOpen")
    head.data.shape_keys.key_blocks["mouthLeft"].relative_key = head.data.shape_keys.key_blocks["mouthRight"]
    (note,) = (note for note in say(head).notes if "no mesh has a shape" in note)
    assert note.startswith("jawOpen, mouthLeft: no mesh has a shape for that")


@pytest.mark.parametrize("corner", [0, 1])
def test_a_key_that_its_vertex_group_holds_back_is_told(make_head: Head, corner):
    head = make_head()  # whose keys move the first corner
    head.vertex_groups.new(name="Lips").add([corner], 1.0, "REPLACE")
    head.data.shape_keys.key_blocks["jawOpen"].vertex_group = "Lips"
    told = [note for note in say(head).notes if note.startswith("jawOpen: limited to a vertex group")]
    assert len(told) == (corner != 0)
    assert not any("no mesh has a shape" in note for note in say(head).notes)


def test_a_vertex_group_limits_nothing_where_it_is_not_there_or_no_point_has_weights(make_head: Head):
    head = make_head()
    head.vertex_groups.new(name="Lips")
    for name, group in (("jawOpen", "Lips"), ("mouthLeft", "Gone")):
        head.data.shape_keys.key_blocks[name].vertex_group = group
        head.data.shape_keys.key_blocks[name].value = 1.0
        evaluated = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        assert evaluated.vertices[0].co.z == pytest.approx(0.1)
        head.data.shape_keys.key_blocks[name].value = 0.0
    assert say(head).notes == ()


def test_a_shape_on_one_mesh_is_enough(make_head: Head):
    face = make_head("Face")
    teeth = make_head("Teeth", ("jawOpen", "jawLeft"), parent=face)
    flatten(face, "jawOpen")
    flatten(teeth, "jawLeft")
    assert say(face).notes == ()


def test_a_key_without_a_shape_that_drives_others_is_meant_so(make_head: Head):
    head = make_head(keys=(*channels.ARKIT, "chin"))
    flatten(head, "jawOpen")
    read(head, "chin", head.data.shape_keys, 'key_blocks["jawOpen"].value')
    assert say(head).notes == ()


def test_properties_that_nothing_reads_do_not_take_the_place_of_shape_keys(make_head: Head):
    head = make_head(keys=channels.ARKIT[:-1])
    for name in channels.ARKIT:
        head[name] = 0.0
    assert {part.owner.collection for part in rig.examine(bpy.context.scene, head).parts} == {"shape_keys"}
    assert say(head).notes == ()


def test_properties_that_drivers_read_take_the_place_of_fewer_shape_keys(make_head: Head):
    head = make_head(keys=(*channels.ARKIT[:-1], "chin"))
    for name in channels.ARKIT:
        head[name] = 0.0
    read(head, "chin", head, '["jawOpen"]')
    assert {part.owner.collection for part in rig.examine(bpy.context.scene, head).parts} == {"objects"}
    assert not any("no driver" in note for note in say(head).notes)


def test_properties_that_nothing_reads_are_told(make_head: Head):
    head = make_head(keys=())
    for name in channels.ARKIT:
        head[name] = 0.0
    assert say(head).notes == ("custom properties on Face: no driver reads them; without drivers the face stays still",)


def test_properties_that_a_muted_driver_reads_are_told(make_head: Head):
    head = make_head(keys=("chin",))
    for name in channels.ARKIT:
        head[name] = 0.0
    read(head, "chin", head, '["jawOpen"]')
    (driver,) = head.data.shape_keys.animation_data.drivers
    assert say(head).notes == ()
    driver.mute = True
    assert say(head).notes == ("custom properties on Face: no driver reads them; without drivers the face stays still",)


@pytest.mark.parametrize(("expression", "is_told"), [("v", False), ("no_such_name * v", True)])
def test_drivers_that_cannot_be_computed_are_told(make_head: Head, expression, is_told):
    head = make_head(keys=("chin",))
    for name in channels.ARKIT:
        head[name] = 0.0
    read(head, "chin", head, '["jawOpen"]')
    driver = head.data.shape_keys.animation_data.drivers[0].driver
    driver.variables[0].name, driver.expression = "v", expression
    head.update_tag()
    bpy.context.scene.frame_set(2)
    assert driver.is_valid != is_told  # Blender complains in the terminal alone
    assert [note[:9] for note in say(head).notes] == ["1 driver "] * is_told


@pytest.mark.parametrize("position", ["POSE", "REST"])
def test_an_armature_that_is_shown_at_rest_is_told(make_head: Head, position):
    armature = armature_with("jaw")
    head = make_head(keys=("eyeBlinkLeft", "eyeBlinkRight"), parent=armature)
    armature.data.pose_position = position
    assert "jaw" in say(head).turning
    told = [note for note in say(head).notes if note.startswith("Rig: shown in Rest Position")]
    assert len(told) == (position == "REST")


def test_a_face_in_edit_mode_is_told(make_head: Head):
    head = make_head()
    bpy.ops.object.mode_set(mode="EDIT")
    assert say(head).notes == ("Face: in Edit Mode, which shows no keys; leave it (Tab) to see them",)
    head.use_shape_key_edit_mode = True
    assert say(head).notes == ()


def weigh(mesh: bpy.types.Object, group: str, armature: bpy.types.Object) -> None:
    """Lets a bone of this name bend the whole mesh."""
    mesh.vertex_groups.new(name=group).add(range(len(mesh.data.vertices)), 1.0, "REPLACE")
    mesh.modifiers.new("Armature", "ARMATURE").object = armature


def test_a_jaw_bone_that_nothing_follows_is_told(make_head: Head):
    armature = armature_with("jaw")
    head = make_head(keys=("eyeBlinkLeft", "eyeBlinkRight"), parent=armature)
    weigh(head, "neck", armature)
    why = "no Armature modifier that is on has weights for it, and nothing follows it"
    assert say(head).notes == (f"jaw on Rig: {why}; paint its weights, or pick another jaw in Rig",)
    head.vertex_groups["neck"].name = "jaw"
    assert say(head).notes == ()
    armature.data.bones["jaw"].use_deform = False
    assert why in say(head).notes[0]
    armature.data.bones["jaw"].use_deform = True
    head.modifiers["Armature"].use_vertex_groups = False
    assert why in say(head).notes[0]


def test_a_jaw_control_that_bones_teeth_or_drivers_follow_is_not_told(make_head: Head):
    armature = armature_with("jaw")
    head = make_head(keys=("eyeBlinkLeft", "eyeBlinkRight", "chin"), parent=armature)
    assert len(say(head).notes) == 1
    teeth = make_head("Teeth", ())
    teeth.parent, teeth.parent_type, teeth.parent_bone = armature, "BONE", "jaw"
    assert say(head).notes == ()
    teeth.parent_type = "OBJECT"
    armature.pose.bones["jaw"]["chin"] = 0.0
    read(head, "chin", armature, 'pose.bones["jaw"]["chin"]')  # which is no turn
    assert len(say(head).notes) == 1
    read(head, "chin", armature, 'pose.bones["jaw"].rotation_quaternion[1]')
    assert say(head).notes == ()


def test_a_jaw_control_whose_follower_has_the_weights_is_not_told(make_head: Head):
    armature = armature_with("jaw")
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones.new("deform").tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    head = make_head(keys=("eyeBlinkLeft", "eyeBlinkRight"), parent=armature)
    weigh(head, "deform", armature)
    assert len(say(head).notes) == 1
    copy = armature.pose.bones["deform"].constraints.new("COPY_ROTATION")
    copy.target, copy.subtarget = armature, "jaw"
    assert say(head).notes == ()


def test_an_action_that_the_nla_shows_in_part_is_told(make_head: Head):
    head = make_head()
    assert say(head).notes == ()
    animation = head.data.shape_keys.animation_data
    animation.action_influence = 0.3
    track = animation.nla_tracks.new()
    assert say(head).notes == ()  # without strips it counts for nothing
    track.strips.new("strip", 500, animation.action)
    why = "the Action's influence is below 1, so keys show less than they say"
    assert say(head).notes == (f"Face: {why}; raise it in the NLA editor",)


@pytest.mark.parametrize("how", ["disabled", "excluded", "hidden"])
def test_a_head_that_blender_does_not_show_is_told(make_head: Head, how):
    head, shelf = make_head(), bpy.data.collections.new("Shelf")
    bpy.context.scene.collection.children.link(shelf)
    shelf.objects.link(head)
    bpy.context.scene.collection.objects.unlink(head)
    if how == "disabled":
        shelf.hide_viewport = True
    elif how == "excluded":
        bpy.context.view_layer.layer_collection.children["Shelf"].exclude = True
    else:  # with H, as one does for a moment
        head.hide_set(True)
    why = "disabled in viewports, or in a collection that is disabled or excluded"
    told = (f"Face: {why}; enable it to see it move",)
    assert say(head).notes == (() if how == "hidden" else told)
