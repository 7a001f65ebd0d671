"""What is asked of a line: sliders, keyed emotions, markers, a target; and what of it reaches the face."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from addon.blender.base import sound
from addon.blender.direction import directing, properties
from addon.core import emotions
from addon.core.errors import RigError
from addon.core.settings import ModelSettings, Settings

from .conftest import Head

LEFT_LID, RIGHT_LID, CHIN = (3.0, -8.0, 5.0), (-3.0, -8.0, 5.0), (0.0, -8.0, -3.0)


@pytest.fixture
def spoken(line: Path, scene) -> sound.Line:
    """Two seconds from frame 11 on, at 24 fps."""
    return sound.from_file(str(line), 11)


@pytest.fixture
def face(make_head: Head) -> bpy.types.Object:
    """A head whose lids and chin are where they belong, looking along -Y."""
    head = make_head()
    mesh = head.data
    for vertex, place in zip(mesh.vertices, (LEFT_LID, RIGHT_LID, CHIN), strict=True):
        vertex.co = place
    for key in mesh.shape_keys.key_blocks:
        for point, place in zip(key.data, (LEFT_LID, RIGHT_LID, CHIN), strict=True):
            point.co = place
    for number, name in enumerate(("eyeBlinkLeft", "eyeBlinkRight", "jawOpen")):
        mesh.shape_keys.key_blocks[name].data[number].co.z -= 1
    return head


def ask(head: bpy.types.Object, spoken: sound.Line) -> directing.Directed:
    return directing.directed(bpy.context.scene, head, spoken, ModelSettings())


def moods(head: bpy.types.Object, spoken: sound.Line, name: str) -> np.ndarray:
    """One emotion at each of the line's hundred rows."""
    return ask(head, spoken).direction.moods(100, 50.0)[:, emotions.NAMES.index(name)]


def target_at(place: tuple[float, float, float]) -> bpy.types.Object:
    target = bpy.data.objects.new("Target", None)
    bpy.context.scene.collection.objects.link(target)
    target.location = place
    properties.choices_of(bpy.context.scene).look_at = target
    return target


def looks_deg(head: bpy.types.Object, spoken: sound.Line) -> np.ndarray:
    """Yaw and pitch at the line's first and last row, in degrees."""
    return np.rad2deg(ask(head, spoken).direction.looks(100, 50.0)[[0, -1]])


def test_a_head_that_nothing_turns_is_asked_for_no_turn(head, spoken):
    asked = ask(head, spoken)
    assert asked.settings.head.amount == 0
    assert asked.settings.gaze == Settings().gaze
    assert (asked.direction.emotion, asked.direction.look, asked.notes) == (None, None, ())


def test_markers_become_the_emotion_track_in_seconds_of_the_line(head, spoken, scene):
    for name, frame in (("joy 0.5", 35), ("Shot 2", 20), ("sadness", -13)):
        scene.timeline_markers.new(name, frame=frame)
    assert ask(head, spoken).settings.emotion.track == "-1 sadness 1; 1 joy 0.5"
    properties.choices_of(scene).use_markers = False
    assert ask(head, spoken).settings.emotion.track == ""


def test_a_misspelt_marker_is_told_and_the_line_is_still_made(head, spoken, scene):
    scene.timeline_markers.new("angr 0.5", frame=12)
    assert ask(head, spoken).notes == (
        "marker 'angr 0.5' at frame 12: no emotion is called 'angr'; nearest is 'anger'",
    )


def test_a_marker_for_one_head_is_for_that_head_alone(make_head: Head, spoken, scene):
    anna, bob = make_head("Anna"), make_head("Bob")
    scene.timeline_markers.new("Anna: fear", frame=11)
    assert ask(anna, spoken).settings.emotion.track == "0 fear 1"
    assert ask(bob, spoken).settings.emotion.track == ""


def test_keyed_sliders_are_followed_over_the_lines_frames(head, spoken, scene):
    feeling = properties.choices_of(scene).layers.emotion
    feeling.anger = 0.25
    for frame, joy in ((11, 0.0), (35, 1.0)):
        feeling.joy = joy
        feeling.keyframe_insert("joy", frame=frame)
    joy = moods(head, spoken, "joy")
    assert (joy[0], joy[-1]) == (0, 1)
    assert joy[25] == pytest.approx(0.5, abs=0.05)
    assert (moods(head, spoken, "anger") == 0.25).all()


def test_marks_take_over_from_keyed_sliders_without_a_leap(head, spoken, scene):
    feeling = properties.choices_of(scene).layers.emotion
    for frame, joy in ((11, 0.0), (59, 1.0)):
        feeling.joy = joy
        feeling.keyframe_insert("joy", frame=frame)
    scene.timeline_markers.new("sadness 0.5", frame=35)
    joy, sadness = moods(head, spoken, "joy"), moods(head, spoken, "sadness")
    assert joy[30] > 0.15
    assert (joy[-1], sadness[-1]) == (0, 0.5)
    assert np.abs(np.diff(joy)).max() < 0.1


@pytest.mark.parametrize("rate", [(1, 1.0), (240, 1.0), (24000, 1001.0)])
def test_keyed_sliders_and_markers_hold_at_any_frame_rate(head, spoken, scene, rate):
    scene.render.fps, scene.render.fps_base = (24, 1.001) if rate[0] == 24000 else (rate[0], rate[1])
    feeling = properties.choices_of(scene).layers.emotion
    feeling.joy = 0.75
    feeling.keyframe_insert("joy", frame=-5)
    scene.timeline_markers.new("fear", frame=11 + round(sound.fps(scene)))
    assert moods(head, spoken, "joy")[0] == 0.75
    assert moods(head, spoken, "fear")[-1] > 0.9


@pytest.mark.parametrize(
    ("place", "yaw", "pitch"),
    [((0, -100, 5), 0, 0), ((-92, -100, 5), 45, 0), ((92, -100, 5), -45, 0), ((0, -100, -87), 0, 45)],
)
def test_a_target_is_seen_from_between_the_eyes(face, spoken, place, yaw: float, pitch: float):
    target_at(place)
    assert looks_deg(face, spoken) == pytest.approx(np.array([[yaw, pitch]] * 2), abs=0.01)


@pytest.mark.parametrize(
    ("place", "inwards"),
    [((0, -38, 5), 5.71), ((0, -608, 5), 0.29), ((-21.2132, -29.2132, 5), 4.04), ((-30, -8, 5), 0)],
)
def test_eyes_converge_on_a_target_by_its_distance(face, spoken, place, inwards: float):
    target_at(place)  # eyes 6 apart, at -8
    assert np.rad2deg(ask(face, spoken).direction.inwards(100, 50.0)) == pytest.approx(np.full(100, inwards), abs=0.01)


def test_a_target_that_comes_near_is_converged_on_as_it_comes(face, spoken):
    target = target_at((0, -608, 5))
    target.keyframe_insert("location", frame=11)
    target.location = (0, -38, 5)
    target.keyframe_insert("location", frame=58)
    inwards = np.rad2deg(ask(face, spoken).direction.inwards(100, 50.0))
    assert (np.diff(inwards) >= 0).all()
    assert inwards[[0, -1]] == pytest.approx([0.29, 5.7], abs=0.3)


def test_the_head_may_stand_anywhere_turned_and_scaled(face, spoken):
    face.location, face.rotation_euler, face.scale = (5, 6, 7), (0.3, -0.2, 2.0), (0.01, 0.01, 0.01)
    bpy.context.view_layer.update()
    target_at(tuple(face.matrix_world @ bpy.data.objects["Face"].data.vertices[0].co.__class__((-92, -100, 5))))
    assert looks_deg(face, spoken) == pytest.approx(np.array([[45, 0]] * 2), abs=0.01)


def test_a_moving_target_is_followed_and_the_scene_stays_on_its_frame(face, spoken, scene):
    target = target_at((-92, -100, 5))
    target.keyframe_insert("location", frame=11)
    target.location = (92, -100, 5)
    target.keyframe_insert("location", frame=58)
    scene.frame_set(-7)
    assert looks_deg(face, spoken)[:, 0] == pytest.approx([45, -45], abs=3)
    assert scene.frame_current == -7


def test_a_target_that_goes_round_behind_stays_on_its_side(face, spoken):
    target = target_at((-100, -8, 5))
    for frame, place in ((11, (-100, -9, 5)), (25, (-50, 90, 5)), (39, (50, 90, 5))):
        target.location = place
        target.keyframe_insert("location", frame=frame)
    asked = ask(face, spoken)
    assert np.rad2deg(asked.direction.looks(100, 50.0)[:, 0]).min() > 80
    assert "is behind the head for part of the line" in asked.notes[0]


def test_a_target_inside_the_head_is_refused_and_one_that_passes_through_is_told(face, spoken):
    target = target_at((0, -5, 4))
    with pytest.raises(RigError, match="'Target' is inside the head"):
        ask(face, spoken)
    target.keyframe_insert("location", frame=11)
    target.location = (-92, -100, 5)
    target.keyframe_insert("location", frame=15)
    asked = ask(face, spoken)
    assert "is inside the head for part of the line" in asked.notes[0]
    assert np.isfinite(asked.direction.look.values).all()


@pytest.mark.parametrize("name", ["Target", "Face"])
@pytest.mark.parametrize("how", ["disabled", "excluded", "hidden"])
def test_what_blender_does_not_place_cannot_be_looked_at_or_look(face, spoken, name, how):
    target, scene, layer = target_at((-100, -100, 5)), bpy.context.scene, bpy.context.view_layer
    before = looks_deg(face, spoken)
    properties.choices_of(scene).look_at = None  # Blender places what a scene refers to when it is loaded
    shelf = bpy.data.collections.new("Shelf")
    scene.collection.children.link(shelf)
    shelf.objects.link(bpy.data.objects[name])
    scene.collection.objects.unlink(bpy.data.objects[name])
    if how == "excluded":
        layer.layer_collection.children["Shelf"].exclude = True
    elif how == "disabled":
        bpy.data.objects[name].hide_viewport = True
    else:
        bpy.data.objects[name].hide_set(True)
    layer.update()
    properties.choices_of(scene).look_at = target
    if how == "hidden":
        assert looks_deg(face, spoken) == pytest.approx(before)
    else:
        with pytest.raises(RigError, match=f"'{name}' is disabled in viewports, or its collection is .*; enable it"):
            ask(face, spoken)


def test_the_head_cannot_look_at_itself(face, spoken):
    properties.choices_of(bpy.context.scene).look_at = face
    with pytest.raises(RigError, match="cannot look at 'Face', which it is part of"):
        ask(face, spoken)


def test_a_target_that_was_deleted_is_no_target(face, spoken, scene):
    target = target_at((0, -100, 5))
    scene.collection.objects.unlink(target)
    assert ask(face, spoken).direction.look is None


def test_a_head_that_an_armature_turns_looks_from_where_the_bone_has_it(face, spoken, scene):
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bone = rig.data.edit_bones.new("skull")
    bone.head, bone.tail = (0, 0, 0), (0, 0, 10)
    bpy.ops.object.mode_set(mode="OBJECT")
    face.vertex_groups.new(name="skull").add([0, 1, 2], 1.0, "REPLACE")
    face.modifiers.new("Armature", "ARMATURE").object = rig
    rig.pose.bones["skull"].rotation_mode = "XYZ"
    rig.pose.bones["skull"].rotation_euler.y = np.pi / 2  # about the bone, which stands upright: to its left
    target_at((100, 0, 5))
    assert looks_deg(face, spoken)[0] == pytest.approx([0, 0], abs=0.01)


def test_a_head_without_lids_of_its_own_looks_along_its_front(make_head: Head, spoken):
    head = make_head(keys=("jawOpen", "mouthFunnel", "mouthPucker", "mouthClose"))
    target_at((0.5, -100, 0))
    assert looks_deg(head, spoken)[0] == pytest.approx([0, 0], abs=0.5)
