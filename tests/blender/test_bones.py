"""Head, eyes and jaw turn as the channels say, whatever rig they belong to, and only where they may."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Quaternion, Vector

from addon.blender.base import compat, sound
from addon.blender.head import bones, rig, standing
from addon.blender.takes import bake
from addon.core import channels
from addon.core.curves import Curves
from addon.core.errors import RigError

from . import staging
from .conftest import Head

ORDERS = ["".join(order) for order in itertools.permutations("XYZ")]
JAW = bones.Choices().jaw_angle
MODES = ["QUATERNION", "AXIS_ANGLE", *ORDERS]
BONES = {  # head and tail in a head that faces -Y, and the parent
    "spine": ((0, 0, 0), (0, 0, 1), None),
    "head": ((0, 0, 1), (0, 0.1, 1.3), "spine"),
    "eye.L": ((0.03, -0.1, 1.1), (0.03, -0.13, 1.1), "head"),
    "eye.R": ((-0.03, -0.1, 1.1), (-0.03, -0.13, 1.1), "head"),
    "jaw": ((0, 0, 1.05), (0, -0.1, 1.0), "head"),
}
ROLLS = {"head": 0.7, "eye.L": -1.1, "eye.R": 2.0, "jaw": 0.4}
Rig = Callable[..., bpy.types.Object]
Write = Callable[..., rig.Head]
WITHOUT_JAW = tuple(name for name in channels.ARKIT if name != "jawOpen" and not name.startswith("eyeLook"))


@pytest.fixture
def make_rig(scene: bpy.types.Scene, make_head: Head) -> Rig:
    """An armature with head, eyes and jaw, and a face that it deforms; `space` stands it up otherwise."""

    def make(
        keys: tuple[str, ...] | None = WITHOUT_JAW,
        mode: str = "QUATERNION",
        space: Matrix | None = None,
        names: Mapping[str, str] = {},
    ) -> bpy.types.Object:
        space = space or Matrix.Identity(4)
        armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
        scene.collection.objects.link(armature)
        bpy.context.view_layer.objects.active = armature
        bpy.ops.object.mode_set(mode="EDIT")
        for name, (start, end, parent) in BONES.items():
            bone = armature.data.edit_bones.new(names.get(name, name))
            bone.head, bone.tail = space @ Vector(start), space @ Vector(end)
            bone.roll = ROLLS.get(name, 0)
            bone.parent = armature.data.edit_bones.get(names.get(parent, parent)) if parent else None
        bpy.ops.object.mode_set(mode="OBJECT")
        for bone in armature.pose.bones:
            bone.rotation_mode = mode
        armature.matrix_world = space.inverted()
        if keys is not None:
            face = make_head("Face", keys, armature)
            face.modifiers.new("Armature", "ARMATURE").object = armature
            for bone in armature.data.bones:
                face.vertex_groups.new(name=bone.name).add([1], 1.0, "REPLACE")
        bpy.context.view_layer.objects.active = armature
        bpy.context.view_layer.update()
        return armature

    return make


def still(**values: float) -> Curves:
    """Curves of three rows that hold these values."""
    row = np.array([[values.get(name, 0.0) for name in channels.ALL]], np.float32)
    return Curves(np.repeat(row, 3, axis=0), channels.ALL, 24)


@pytest.fixture
def write(line: Path) -> Write:
    """Bakes curves onto a character, and goes to the first frame; what was found of it before."""

    def bake_curves(chosen: bpy.types.Object, curves: Curves, frame: int = 1) -> rig.Head:
        scene = bpy.context.scene
        found = rig.examine(scene, chosen)
        bake.write(scene, chosen, bake.Performance(sound.from_file(str(line), frame), curves, ()))
        scene.frame_set(frame)
        return found

    return bake_curves


def moved(armature: bpy.types.Object, bone: str) -> Matrix:
    """How a bone has turned from its rest, in the world."""
    world = armature.matrix_world.to_quaternion()
    pose, rest = armature.pose.bones[bone], armature.data.bones[bone]
    turn = pose.matrix.to_quaternion() @ rest.matrix_local.to_quaternion().inverted()
    return (world @ turn @ world.inverted()).to_matrix()


def turn(yaw: float = 0, pitch: float = 0, roll: float = 0) -> Matrix:
    """What the world sees of a head that faces -Y: right is -X, so it yaws to -X and pitches down."""
    return Matrix.Rotation(-yaw, 3, "Z") @ Matrix.Rotation(pitch, 3, "X") @ Matrix.Rotation(-roll, 3, "Y")


def same(first: Matrix, second: Matrix, tolerance: float = 1e-4) -> bool:
    return bool(np.allclose(np.array(first), np.array(second), atol=tolerance))


LOOK = {"headYaw": 0.3, "headPitch": 0.2, "headRoll": 0.1}


@pytest.mark.parametrize("mode", MODES)
def test_a_head_bone_turns_as_the_channels_say_in_every_rotation_mode(write: Write, make_rig: Rig, mode):
    armature = make_rig(mode=mode)
    write(armature, still(**LOOK))
    assert same(moved(armature, "head"), turn(0.3, 0.2, 0.1))
    looks = moved(armature, "head") @ Vector((0, -1, 0))
    assert looks.x < -0.25  # to its right
    assert looks.z < -0.15  # down


@pytest.mark.parametrize(
    "space",
    [
        Matrix.Rotation(math.pi / 2, 4, "X"),
        Matrix.Rotation(-math.pi / 2, 4, "X"),
        Matrix.Rotation(math.pi / 2, 4, "Z"),
        Matrix.Rotation(math.pi, 4, "Z"),
        Matrix.Scale(100, 4) @ Matrix.Rotation(-math.pi / 2, 4, "X"),
    ],
    ids=["Z down the back", "Y up", "turned aside", "turned round", "Y up in centimetres"],
)
def test_bones_that_were_built_in_other_axes_turn_alike(write: Write, make_rig: Rig, space):
    armature = make_rig(space=space)
    write(armature, still(**LOOK, leftEyeYaw=0.2, rightEyeYaw=0.2, jawOpen=1))
    assert same(moved(armature, "head"), turn(0.3, 0.2, 0.1))
    assert same(moved(armature, "eye.L"), turn(0.3, 0.2, 0.1) @ turn(0.2))
    assert same(moved(armature, "jaw"), turn(0.3, 0.2, 0.1) @ turn(pitch=JAW))


def test_a_character_that_is_turned_in_the_scene_turns_from_there(write: Write, make_rig: Rig):
    armature = make_rig()
    armature.rotation_euler = (0.2, -0.4, 2.0)
    bpy.context.view_layer.update()
    write(armature, still(**LOOK))
    stands = Euler((0.2, -0.4, 2.0)).to_matrix()
    assert same(moved(armature, "head"), stands @ turn(0.3, 0.2, 0.1) @ stands.inverted())


def test_a_head_turns_along_with_a_body_that_is_posed(write: Write, make_rig: Rig):
    armature = make_rig()
    armature.pose.bones["spine"].rotation_quaternion = Quaternion((0, 1, 0), 0.8)
    write(armature, still(**LOOK))
    spine = moved(armature, "spine")
    assert same(moved(armature, "head"), spine @ turn(0.3, 0.2, 0.1))


def test_a_jaw_bone_opens_by_the_angle_that_was_chosen_and_shuts_where_the_lips_meet(write: Write, make_rig: Rig):
    armature = make_rig(keys=tuple(name for name in WITHOUT_JAW if name != "mouthClose"))
    armature.facewright_rig.jaw_angle = math.radians(24)
    write(armature, still(jawOpen=0.5))
    assert same(moved(armature, "jaw"), turn(pitch=math.radians(12)))
    chin = moved(armature, "jaw") @ Vector((0, -1, 0))
    assert chin.z < -0.2
    write(armature, still(jawOpen=0.5, mouthClose=0.5), 50)
    assert same(moved(armature, "jaw"), turn())


def test_a_jaw_bone_goes_to_the_side_that_is_said(write: Write, make_rig: Rig):
    armature = make_rig()
    write(armature, still(jawLeft=1))  # the character's left is +X, as it faces -Y
    assert (moved(armature, "jaw") @ Vector((0, -1, 0))).x > 0.05


def test_lips_that_have_a_key_of_their_own_close_over_the_open_jaw_bone(write: Write, make_rig: Rig):
    armature = make_rig()
    write(armature, still(jawOpen=0.5, mouthClose=0.5))
    assert same(moved(armature, "jaw"), turn(pitch=JAW / 2))
    assert bpy.data.objects["Face"].data.shape_keys.key_blocks["mouthClose"].value == pytest.approx(0.5)


def test_a_rig_without_any_key_speaks_by_its_jaw(write: Write, make_rig: Rig):
    armature = make_rig(keys=None)
    found = write(armature, still(jawOpen=1, **LOOK))
    assert same(moved(armature, "jaw"), moved(armature, "head") @ turn(pitch=JAW))
    assert found.explain() == "No keys; turning: head (head), left eye (eye.L), right eye (eye.R), jaw (jaw)."


def test_the_report_says_what_turns_and_counts_no_keys_where_there_are_none(line: Path, make_rig: Rig):
    armature = make_rig(keys=None)
    performance = bake.Performance(sound.from_file(str(line), 1), still(jawOpen=1, **LOOK))
    told = str(bake.write(bpy.context.scene, armature, performance))
    assert " frames of turns of head, left eye, right eye, jaw; " in told


def test_eyes_and_jaw_are_left_to_keys_that_show_them(write: Write, make_rig: Rig):
    armature = make_rig(keys=channels.ARKIT)
    found = write(armature, still(jawOpen=1, leftEyeYaw=0.3, eyeLookInLeft=0.5))
    assert list(found.joints) == ["head"]
    keys = bpy.data.objects["Face"].data.shape_keys.key_blocks
    assert (keys["jawOpen"].value, keys["eyeLookInLeft"].value) == pytest.approx((1, 0.5))
    assert same(moved(armature, "jaw"), turn())


@pytest.mark.parametrize(("by", "key"), [("BONES", 0), ("BOTH", 0.5)])
def test_eyes_and_jaw_turn_where_that_is_asked_for(write: Write, make_rig: Rig, by, key):
    armature = make_rig(keys=channels.ARKIT)
    armature.facewright_rig.eyes = armature.facewright_rig.jaw_by = by
    write(armature, still(jawOpen=0.5, leftEyeYaw=0.3, eyeLookInLeft=0.5))
    keys = bpy.data.objects["Face"].data.shape_keys.key_blocks
    assert (keys["jawOpen"].value, keys["eyeLookInLeft"].value) == pytest.approx((key, key))
    assert same(moved(armature, "jaw"), turn(pitch=JAW / 2))
    assert same(moved(armature, "eye.L"), turn(0.3))


def test_a_take_that_has_only_shapes_turns_eye_bones_by_them(write: Write, make_rig: Rig):
    armature = make_rig()
    write(armature, still(eyeLookInLeft=0.5, eyeLookOutRight=0.5, eyeLookDownLeft=0.25, eyeLookDownRight=0.25))
    unit = channels.EYE_UNIT_RAD
    assert same(moved(armature, "eye.L"), turn(0.5 * unit, 0.25 * unit), 2e-4)
    assert same(moved(armature, "eye.R"), turn(0.5 * unit, 0.25 * unit), 2e-4)


def test_no_angle_goes_beyond_its_limit(write: Write, make_rig: Rig):
    armature = make_rig()
    rig_choices = armature.facewright_rig
    rig_choices.head_yaw, rig_choices.eye_pitch = math.radians(30), math.radians(10)
    write(armature, still(headYaw=3, leftEyePitch=2))
    assert same(moved(armature, "head"), turn(math.radians(30)), 1e-3)
    assert same(moved(armature, "eye.L"), turn(math.radians(30)) @ turn(pitch=math.radians(10)), 1e-3)


def test_the_amount_of_the_head_s_motion_is_the_character_s_own(write: Write, make_rig: Rig):
    armature = make_rig()
    armature.facewright_rig.head_amount = 0.5
    write(armature, still(headYaw=0.4))
    assert same(moved(armature, "head"), turn(0.2))
    armature.facewright_rig.turns_head = False
    assert "head" not in rig.examine(bpy.context.scene, armature).joints


def test_a_second_bake_does_not_turn_on_from_the_first(write: Write, make_rig: Rig):
    armature = make_rig()
    tilt = Quaternion((0.3, 0.5, 0.2), 0.3)
    armature.pose.bones["head"].rotation_quaternion = tilt
    bpy.context.view_layer.update()
    tilted = moved(armature, "head")
    for _ in range(3):
        write(armature, still(headPitch=0.3))
    assert same(moved(armature, "head"), tilted @ turn(pitch=0.3))


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE", "ZXY"])
def test_the_animator_s_own_keys_go_on_under_the_speech(write: Write, make_rig: Rig, mode):
    armature = make_rig(mode=mode)
    head = armature.pose.bones["head"]
    name, _ = bones.rotation_of(head)
    for frame, angle in ((1, 0.0), (11, 0.6)):
        poses = {"QUATERNION": Quaternion((0, 1, 0), angle), "AXIS_ANGLE": (angle, 0, 1, 0), "ZXY": (0, angle, 0)}
        setattr(head, name, poses[mode])
        head.keyframe_insert(name, frame=frame)
    head.keyframe_insert("location", frame=5)
    theirs = armature.animation_data.action
    before = {curve.data_path: len(curve.keyframe_points) for curve in compat.curves_of(theirs, armature)}
    bpy.context.scene.frame_set(11)
    posed = moved(armature, "head")
    for _ in range(2):
        write(armature, still(headPitch=0.3), 10)
    bpy.context.scene.frame_set(11)
    assert same(moved(armature, "head"), posed @ turn(pitch=0.3), 1e-3)
    assert armature.animation_data.action != theirs
    assert theirs.use_fake_user
    paths = {curve.data_path for curve in compat.curves_of(armature.animation_data.action, armature)}
    assert head.path_from_id("location") in paths
    armature.animation_data.action = theirs
    assert {curve.data_path: len(curve.keyframe_points) for curve in compat.curves_of(theirs, armature)} == before


def close(armature: bpy.types.Object, how: str) -> None:
    head = armature.pose.bones["head"]
    if how == "driven":
        head.driver_add("rotation_quaternion", 2)
    elif how == "constrained":
        track = head.constraints.new("DAMPED_TRACK")
        track.name, track.target, track.subtarget = "Aim", armature, "spine"
    elif how == "locked":
        head.lock_rotation = (True, True, True)
    else:
        head.keyframe_insert("rotation_quaternion", frame=1)
        curves = compat.curves_of(armature.animation_data.action, armature)
        setattr(curves[0], "lock" if how == "curve locked" else "mute", True)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("driven", "moved by drivers"),
        ("constrained", "moved by its constraint 'Aim'"),
        ("locked", "its rotation is locked"),
        ("curve locked", "locked or muted in the Graph Editor"),
        ("curve muted", "locked or muted in the Graph Editor"),
    ],
)
def test_a_head_bone_that_is_not_free_is_left_alone_and_told(write: Write, make_rig: Rig, how, why):
    armature = make_rig()
    close(armature, how)
    found = write(armature, still(**LOOK, jawOpen=1))
    assert "head" not in found.joints
    assert any(note.startswith(f"head on Rig: {why}") for note in found.notes)
    assert same(moved(armature, "jaw"), moved(armature, "head") @ turn(pitch=JAW))


@pytest.mark.parametrize(("name", "value"), [("mute", True), ("influence", 0.0)])
def test_a_constraint_that_is_off_or_only_limits_does_not_hold_a_bone(make_rig: Rig, name: str, value: float):
    armature = make_rig()
    close(armature, "constrained")
    setattr(armature.pose.bones["head"].constraints["Aim"], name, value)
    armature.pose.bones["head"].constraints.new("LIMIT_ROTATION")
    assert "head" in rig.examine(bpy.context.scene, armature).joints


def test_the_control_is_turned_where_the_bone_of_the_better_name_is_not_free(make_rig: Rig):
    armature = make_rig(names={"head": "DEF-spine.006", "spine": "head"})
    armature.pose.bones["head"].driver_add("rotation_quaternion", 0)
    assert rig.examine(bpy.context.scene, armature).joints["head"].bone == "DEF-spine.006"


def test_picks_go_before_names_and_a_pick_that_is_gone_is_told(make_rig: Rig):
    armature = make_rig()
    armature.facewright_rig.head.bone = "spine"
    assert rig.examine(bpy.context.scene, armature).joints["head"].bone == "spine"
    armature.facewright_rig.head.bone = "Neck"
    found = rig.examine(bpy.context.scene, armature)
    assert "head" not in found.joints
    assert "Neck on the head: not there; choose another in Rig" in found.notes


def test_a_head_bone_alone_is_no_face(make_rig: Rig):
    armature = make_rig(keys=None, names={"jaw": "chin"})
    with pytest.raises(RigError, match="'Rig' has no shape keys; select a face that has them"):
        rig.examine(bpy.context.scene, armature)


FACE = {"eyeBlinkLeft": (1, -1, 1), "eyeBlinkRight": (-1, -1, 1), "jawOpen": (0, -1, -1)}  # what moves, in a -Y face


def bulge(face: bpy.types.Object, space: Matrix) -> None:
    """Gives each vertex of a triangle to one key, which alone moves it."""
    for index, (name, point) in enumerate(FACE.items()):
        for block in face.data.shape_keys.key_blocks:
            lift = Vector((0, 0, 0.1 * (block.name == name)))
            block.data[index].co = space @ (Vector(point) + lift)


def carrier(name: str, make_head: Head, keys: tuple[str, ...] = channels.ARKIT) -> bpy.types.Object:
    head = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(head)
    bulge(make_head("Face", keys, head), Matrix.Identity(4))
    bpy.context.view_layer.update()
    return head


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_that_carries_the_face_turns_it(write: Write, make_head: Head, mode):
    head = carrier("Head", make_head)
    head.rotation_mode = mode
    for _ in range(2):
        found = write(head, still(**LOOK))
    assert found.joints["head"].owner.name == "Head"
    assert same(head.matrix_world.to_3x3(), turn(0.3, 0.2, 0.1))


def test_an_empty_that_is_renamed_after_a_bake_is_told_and_turns_once_it_is_picked(write: Write, make_head: Head):
    head = carrier("Head", make_head)
    write(head, still(headYaw=0.3))
    head.name = "Anna"
    found = rig.examine(bpy.context.scene, head)
    assert "head" not in found.joints
    assert found.notes == ("'Anna' has turned before and is not named Head now, so it does not; pick it in Rig",)
    head.facewright_rig.head.object = head
    found = rig.examine(bpy.context.scene, head)
    assert (found.joints["head"].owner.name, found.notes) == ("Anna", ())


def test_an_empty_keeps_the_turn_that_it_had(write: Write, make_head: Head):
    head = carrier("Head", make_head)
    head.rotation_euler = (1.2, 0.1, 0.4)
    bpy.context.view_layer.update()
    before = head.matrix_world.to_3x3()
    for _ in range(2):
        write(head, still(headYaw=0.3))
    assert same(head.matrix_world.to_3x3(), before @ turn(0.3))


def test_an_empty_that_carries_but_a_part_of_the_face_is_no_head(make_head: Head):
    root = carrier("Hero", make_head)
    head = bpy.data.objects.new("Head", None)
    bpy.context.scene.collection.objects.link(head)
    head.parent = root
    make_head("Teeth", ("jawOpen",), head)
    assert "head" not in rig.examine(bpy.context.scene, root).joints


def test_eyeballs_that_are_objects_turn_about_their_middle(write: Write, make_head: Head):
    head = carrier("Head", make_head, WITHOUT_JAW + ("jawOpen",))
    for side, x in (("L", 0.03), ("R", -0.03)):
        ball = bpy.data.meshes.new(f"Eye.{side}")
        ball.from_pydata([(0.01 * a, 0.01 * b, 0.01 * c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], [], [])
        eye = bpy.data.objects.new(f"Eye.{side}", ball)
        eye.parent, eye.location, eye.rotation_euler = head, (x, -0.1, 0), (math.pi / 2, 0, 0.1)
        bpy.context.scene.collection.objects.link(eye)
    bpy.context.view_layer.update()
    before = bpy.data.objects["Eye.L"].matrix_world.to_3x3()
    for _ in range(2):
        write(head, still(leftEyeYaw=0.3, leftEyePitch=-0.1, headYaw=0.2))
    seen = bpy.data.objects["Eye.L"].matrix_world.to_3x3() @ before.inverted()
    assert same(seen, turn(0.2) @ turn(0.3, -0.1))


def test_a_face_says_by_its_keys_which_way_it_looks(write: Write, make_head: Head):
    """Also where the mesh was built facing +X with Y up, and no bone or object tells."""
    space = Matrix(((0, 1, 0), (0, 0, 1), (1, 0, 0))).to_4x4()
    head = carrier("Head", make_head)
    bulge(head.children[0], space)
    write(head, still(**LOOK))
    seen = space.to_3x3().inverted() @ head.matrix_world.to_3x3() @ space.to_3x3()
    assert same(seen, turn(0.3, 0.2, 0.1))


def looking(
    armature: bpy.types.Object, parent: str | None, names: tuple[str, str] = ("MCH-eye.L", "MCH-eye.R")
) -> None:
    """Lets the eyes look at controls eye.L and eye.R before the face, as Rigify's do."""
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit = armature.data.edit_bones
    for name, eye in zip(("eye.L", "eye.R"), names, strict=True):
        edit[name].name = eye
        control = edit.new(name)
        control.head = edit[eye].head + Vector((0, -0.5, 0))
        control.tail, control.roll = control.head + Vector((0.02, 0, 0.05)), 0.3
        control.parent = edit[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    for name, eye in zip(("eye.L", "eye.R"), names, strict=True):
        track = armature.pose.bones[eye].constraints.new("DAMPED_TRACK")
        track.target, track.subtarget, track.track_axis = armature, name, "TRACK_Y"
    bpy.context.view_layer.update()


@pytest.mark.parametrize("parent", ["head", "spine", None])
def test_eyes_that_look_at_a_control_are_moved_by_it(write: Write, make_rig: Rig, parent):
    """Whether the control is carried by the head or stays behind in the world."""
    armature = make_rig()
    looking(armature, parent)
    for _ in range(2):
        found = write(armature, still(**LOOK, leftEyeYaw=0.3, leftEyePitch=0.1, rightEyeYaw=0.2))
    assert (found.joints["left_eye"].bone, found.joints["left_eye"].pivot) == ("eye.L", "MCH-eye.L")
    head = turn(0.3, 0.2, 0.1)
    for eye, wanted in (("MCH-eye.L", turn(0.3, 0.1)), ("MCH-eye.R", turn(0.2))):
        looks = moved(armature, eye) @ Vector((0, -1, 0))
        assert np.allclose(looks, head @ wanted @ Vector((0, -1, 0)), atol=1e-3)
    assert armature.pose.bones["eye.L"].rotation_quaternion.angle == 0


def test_one_control_for_both_eyes_goes_to_the_middle(write: Write, make_rig: Rig):
    armature = make_rig()
    looking(armature, "head")
    armature.pose.bones["MCH-eye.R"].constraints[0].subtarget = "eye.L"
    found = write(armature, still(leftEyeYaw=0.2, rightEyeYaw=0.2))
    assert [found.joints[role].bone for role in ("left_eye", "right_eye")] == ["eye.L", "eye.R"]
    armature.facewright_rig.right_eye.bone = "MCH-eye.R"
    found = write(armature, still(leftEyeYaw=0.2, rightEyeYaw=0.2), 60)
    assert [found.joints[role].bone for role in ("left_eye", "right_eye")] == ["eye.L", "eye.L"]
    bpy.context.scene.frame_set(60)
    looks = moved(armature, "MCH-eye.L") @ Vector((0, -1, 0))
    assert looks.x == pytest.approx(-np.sin(0.2), abs=0.02)
    strands = found.strands(still(leftEyeYaw=0.2))
    assert len({(strand.path, strand.index) for strand in strands}) == len(strands)


def test_a_control_that_is_locked_in_its_place_is_told(make_rig: Rig):
    armature = make_rig()
    looking(armature, "head")
    armature.pose.bones["eye.L"].lock_location = (True, True, True)
    notes = rig.examine(bpy.context.scene, armature).notes
    assert "eye.L on Rig: its location is locked in the Item tab" in notes


def test_a_control_that_a_constraint_carries_with_the_head_is_no_control_in_the_world(write: Write, make_rig: Rig):
    armature = make_rig()
    looking(armature, "spine")
    for name in ("eye.L", "eye.R"):
        carry = armature.pose.bones[name].constraints.new("ARMATURE").targets.new()
        carry.target, carry.subtarget = armature, "head"
    write(armature, still(**LOOK, leftEyeYaw=0.3))
    looks = moved(armature, "MCH-eye.L") @ Vector((0, -1, 0))
    assert np.allclose(looks, turn(0.3, 0.2, 0.1) @ turn(0.3) @ Vector((0, -1, 0)), atol=1e-3)


def test_a_line_does_not_turn_on_from_one_that_was_pushed_to_the_nla(make_rig: Rig):
    rig = make_rig()
    scene, turned = bpy.context.scene, staging.performance("one")
    turned = replace(turned, curves=turned.curves.with_columns({"headYaw": np.linspace(0, 0.3, 100, dtype=np.float32)}))
    bake.write(scene, rig, turned)
    bpy.ops.facewright.take_push_nla()
    scene.frame_set(40)
    assert abs(rig.pose.bones["head"].rotation_quaternion.w) < 0.999
    bake.write(scene, rig, replace(turned, line=replace(turned.line, name="two", frame=200)))
    assert list(rig.pose.bones["head"][standing.REST.format(standing.ROTATION)]) == [1, 0, 0, 0]


@pytest.fixture
def body(make_rig: Rig) -> bpy.types.Object:
    """A rig whose head an NLA strip turns from frame 11 on, slower than it was keyed, again and again."""
    rig = make_rig(mode="XYZ")
    for frame, turn in ((1, 0.0), (25, 0.6)):
        rig.pose.bones["head"].rotation_euler = (0, 0, turn)
        rig.pose.bones["head"].keyframe_insert("rotation_euler", frame=frame)
    strip = rig.animation_data.nla_tracks.new().strips.new("body", 11, rig.animation_data.action)
    strip.scale, strip.repeat = 1.5, 2
    compat.use_slot(strip, rig.animation_data)
    again = rig.animation_data.nla_tracks[0].strips.new("again", 100, rig.animation_data.action)
    compat.use_slot(again, rig.animation_data)
    again.extrapolation = "HOLD"
    rig.animation_data.action = None
    return rig


def head_turns(rig: bpy.types.Object, frames: Sequence[int]) -> np.ndarray:
    turns = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        turns.append(list(rig.pose.bones["head"].rotation_euler))
    return np.array(turns)


def test_the_animators_strips_go_on_under_the_speech(body: bpy.types.Object):
    frames = (1, 11, 20, 30, 44, 47, 60, 83, 90, 110, 124)
    before = head_turns(body, frames)
    assert np.ptp(before[:, 2]) > 0.3
    bpy.context.scene.frame_set(33)
    report = bake.write(bpy.context.scene, body, staging.performance(seconds=6))
    assert report.notes == ()
    np.testing.assert_allclose(head_turns(body, frames), before, atol=1e-3)


def test_strips_that_only_blender_can_play_are_told(body: bpy.types.Object):
    body.animation_data.nla_tracks[0].strips[0].blend_type = "ADD"
    report = bake.write(bpy.context.scene, body, staging.performance())
    told = "NLA strips of yours that turn the head (head) are mixed or faded, so they do not show on the line's frames"
    assert told in report.notes


VISEMES = tuple(f"viseme_{name}" for name in "sil PP FF TH DD kk CH SS nn RR aa E I O U".split())


@pytest.mark.parametrize("keys", [("headShape.jawOpen", "teethShape.jawOpen", "headShape.mouthSmileLeft"), VISEMES])
def test_a_jaw_bone_leaves_nothing_to_the_keys_of_teeth_or_to_open_visemes(make_rig: Rig, keys):
    armature = make_rig(keys=keys)
    armature.facewright_rig.jaw_by = "BONES"
    found = rig.examine(bpy.context.scene, armature)
    columns = {"jawOpen": np.array([0.6, 0.6], np.float32), "mouthClose": np.array([0, 0.6], np.float32)}
    curves = Curves(np.stack(list(columns.values()), axis=1), tuple(columns), 24.0)
    turned = [strand.values for strand in found.strands(curves) if strand.name in found.controls]
    assert turned
    assert not np.any(turned)


def test_an_eye_that_does_not_turn_keeps_its_keys(make_rig: Rig):
    armature = make_rig(keys=channels.ARKIT, names={"eye.R": "lamp"})
    armature.facewright_rig.eyes = "BONES"
    found = rig.examine(bpy.context.scene, armature)
    assert {"left_eye", "right_eye"} & found.joints.keys() == {"left_eye"}
    looks = Curves(np.full((2, 2), 0.4, np.float32), ("eyeLookInLeft", "eyeLookInRight"), 24.0)
    strands = {strand.name: strand.values for strand in found.strands(looks)}
    assert strands["eyeLookInRight"][0] == pytest.approx(0.4)
    assert strands["eyeLookInLeft"][0] == 0
