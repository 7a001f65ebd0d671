"""Curves become keys: which, where, in what Action, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from addon.blender.base import compat, sound
from addon.blender.fcurves import targets
from addon.blender.takes import bake
from addon.core.errors import AudioError
from addon.core.settings import Settings

from .conftest import action_of, curve_of, keys_on, state, write_line


def speak(head: bpy.types.Object, line: Path, settings: Settings, frame: int = 1, fit: bool = True) -> bake.Report:
    return bake.animate_scene(bpy.context.scene, head, sound.from_file(str(line), frame), settings, fit)


def test_there_is_one_linear_key_a_frame_from_the_start_frame_on(head, line, settings):
    report = speak(head, line, settings, frame=10)
    keys = keys_on(head, "jawOpen")
    assert keys[:, 0].tolist() == list(range(10, 58))
    assert {point.interpolation for point in curve_of(head, "jawOpen").keyframe_points} == {"LINEAR"}
    assert (report.first_frame, report.frames, report.meshes, report.controls) == (10, 48, 1, 52)


def test_the_jaw_is_open_on_the_frames_where_the_line_is_loud(head, line, settings):
    speak(head, line, settings, frame=1)
    bpy.context.scene.frame_set(25)
    assert head.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0.318, abs=0.02)
    bpy.context.scene.frame_set(3)
    assert head.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0, abs=0.02)


def test_a_key_that_never_moves_is_held_at_rest_by_two_keys(head, line, settings):
    speak(head, line, settings, frame=5)
    assert keys_on(head, "tongueOut").tolist() == [[5, 0], [52, 0]]


def test_a_face_stays_as_it_is_before_and_after_its_line(head, line, settings):
    speak(head, line, settings, frame=10)
    assert {curve.extrapolation for curve in compat.every_curve(action_of(head))} == {"CONSTANT"}


def test_a_key_that_stays_still_in_one_line_is_not_dragged_by_another(head, line, settings):
    block = head.data.shape_keys.key_blocks["tongueOut"]
    for frame in (-20, 101):
        block.value = 0.5
        block.keyframe_insert("value", frame=frame)
    speak(head, line, settings, frame=5)
    assert [curve_of(head, "tongueOut").evaluate(frame) for frame in (5, 30, 52)] == [0, 0, 0]


@pytest.mark.parametrize(("fps", "base", "frames"), [(24, 1.001, 48), (30, 1, 60), (60, 1, 120), (1, 1, 2)])
def test_frames_follow_the_scenes_rate(head, line, settings, fps, base, frames):
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = fps, base
    speak(head, line, settings)
    assert len(keys_on(head, "jawOpen")) == frames


def test_a_scene_that_stretches_keys_and_not_sound_is_told(head, line, settings):
    render = bpy.context.scene.render
    render.frame_map_new = 200
    assert any("stretches keys from 100 to 200" in note for note in speak(head, line, settings).notes)
    render.frame_map_old = 200
    assert not any("stretches" in note for note in speak(head, line, settings).notes)


def test_each_mesh_of_the_character_gets_an_action_of_its_own(make_head, line, settings):
    root = bpy.data.objects.new("Head", None)
    bpy.context.scene.collection.objects.link(root)
    face = make_head("Face", parent=root)
    teeth = make_head("Teeth", ("jawOpen", "jawLeft"), parent=root)
    report = speak(root, line, settings)
    assert report.meshes == 2
    assert action_of(face) != action_of(teeth)
    assert action_of(teeth).name == "Facewright hello there Teeth"
    np.testing.assert_array_equal(keys_on(face, "jawOpen"), keys_on(teeth, "jawOpen"))


def test_two_objects_of_one_mesh_are_keyed_once(make_head, line, settings):
    head = make_head()
    twin = bpy.data.objects.new("Twin", head.data)
    bpy.context.scene.collection.objects.link(twin)
    twin.parent = head
    assert speak(head, line, settings).meshes == 1


def test_the_animators_action_is_kept_and_unchanged(head, line, settings):
    block = head.data.shape_keys.key_blocks["jawOpen"]
    block.value = 0.5
    block.keyframe_insert("value", frame=3)
    theirs = action_of(head)
    report = speak(head, line, settings)
    assert action_of(head) != theirs
    assert theirs.use_fake_user
    assert f"kept in {theirs.name}" in " ".join(report.notes)
    head.data.shape_keys.animation_data.action = theirs
    assert keys_on(head, "jawOpen").tolist() == [[3, 0.5]]


def test_an_action_that_two_meshes_share_is_told_once(make_head, line, settings):
    face = make_head("Face", ("jawOpen",))
    teeth = make_head("Teeth", ("jawOpen",), parent=face)
    face.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value")
    theirs = action_of(face)
    compat.assign(teeth.data.shape_keys, theirs)
    assert speak(face, line, settings).notes[-1] == f"the keys that were there are kept in {theirs.name}"


@pytest.mark.skipif(not compat.HAS_SLOTS, reason="this Blender has one owner an action")
def test_an_action_that_also_moves_something_else_goes_on_moving_it(head, line, settings):
    head.keyframe_insert("location", frame=1)
    theirs = head.animation_data.action
    keys = head.data.shape_keys
    keys.animation_data_create().action = theirs
    keys.key_blocks["jawOpen"].keyframe_insert("value", frame=3)
    speak(head, line, settings)
    assert head.animation_data.action == theirs
    assert len(theirs.slots) == 2
    assert [slot.identifier for slot in action_of(head).slots] == [keys.animation_data.action_slot.identifier]
    assert len(keys_on(head, "jawOpen")) == 48


@pytest.mark.skipif(not compat.HAS_SLOTS, reason="this Blender has no slots")
def test_an_action_without_a_slot_for_the_keys_is_given_one(head, line, settings):
    keys = head.data.shape_keys
    keys.animation_data_create().action = bpy.data.actions.new("empty")
    speak(head, line, settings)
    assert len(keys_on(head, "jawOpen")) == 48


def test_what_the_bake_does_not_write_goes_on_in_the_new_action(make_head, line, settings):
    head = make_head(keys=("jawOpen", "Fat"))
    for name, frame in (("Fat", 7), ("jawOpen", 300)):
        head.data.shape_keys.key_blocks[name].value = 0.5
        head.data.shape_keys.key_blocks[name].keyframe_insert("value", frame=frame)
    speak(head, line, settings)
    assert keys_on(head, "Fat").tolist() == [[7, 0.5]]
    assert keys_on(head, "jawOpen")[-1].tolist() == [300, 0.5]
    assert curve_of(head, "jawOpen").keyframe_points[-1].interpolation == "BEZIER"


def test_a_second_line_on_later_frames_leaves_the_first(head, line, settings):
    speak(head, line, settings, frame=1)
    first = keys_on(head, "jawOpen")
    speak(head, line, settings, frame=101)
    np.testing.assert_array_equal(keys_on(head, "jawOpen"), np.vstack((first, first + np.array((100, 0)))))


def test_baking_a_line_again_replaces_its_keys(head, line, settings):
    speak(head, line, settings)
    first = keys_on(head, "jawOpen")
    report = speak(head, line, settings)
    np.testing.assert_array_equal(keys_on(head, "jawOpen"), first)
    assert not any("kept" in note for note in report.notes)
    assert len(compat.sound_strips(bpy.context.scene)) <= 1


def test_a_shorter_line_replaces_all_of_the_longer_one_under_it(head, line, settings, tmp_path):
    speak(head, line, settings, frame=101)
    speak(head, line, settings, frame=1)
    speak(head, write_line(tmp_path / "short.wav", 1), settings, frame=110)
    assert keys_on(head, "jawOpen")[:, 0].tolist() == [*range(1, 49), *range(110, 134)]


def test_the_scene_is_made_long_enough_and_keeps_to_the_sound(head, line, settings):
    scene = bpy.context.scene
    scene.frame_end = 20
    speak(head, line, settings, frame=1)
    assert (scene.frame_end, scene.sync_mode, scene.use_audio_scrub) == (48, "AUDIO_SYNC", True)


def test_a_line_that_begins_before_the_scene_is_told(head, line, settings):
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 1001, 1100
    assert any("at frame 1, and the scene at 1001" in note for note in speak(head, line, settings, frame=1).notes)
    assert not any("the scene at" in note for note in speak(head, line, settings, frame=1001).notes)


def test_a_scene_is_never_shortened_and_left_alone_on_request(head, line, settings):
    scene = bpy.context.scene
    speak(head, line, settings)
    assert scene.frame_end == 250
    scene.frame_end, scene.sync_mode = 20, "NONE"
    speak(head, line, settings, fit=False)
    assert (scene.frame_end, scene.sync_mode) == (20, "NONE")


def test_driven_keys_are_left_to_their_drivers(head, line, settings):
    head.data.shape_keys.key_blocks["jawOpen"].driver_add("value")
    report = speak(head, line, settings)
    assert report.controls == 51
    assert report.notes[0].startswith("jawOpen on Face: moved by drivers")
    with pytest.raises(KeyError):
        curve_of(head, "jawOpen")


def test_a_locked_curve_goes_on_as_it_was(head, line, settings):
    block = head.data.shape_keys.key_blocks["jawOpen"]
    block.value = 0.25
    block.keyframe_insert("value", frame=3)
    curve_of(head, "jawOpen").lock = True
    report = speak(head, line, settings)
    assert keys_on(head, "jawOpen").tolist() == [[3, 0.25]]
    assert "jawOpen on Face: locked" in report.notes[0]


def test_muted_keys_are_not_written(head, line, settings):
    head.data.shape_keys.key_blocks["mouthFunnel"].mute = True
    assert speak(head, line, settings).notes[0].startswith("mouthFunnel on Face: muted")


def test_a_pinned_mesh_is_baked_and_said_to_stand_still(head, line, settings):
    head.show_only_shape_key = True
    assert "shows one key only" in speak(head, line, settings).notes[0]


def test_a_key_whose_range_is_too_small_is_baked_and_said_to_be_held_back(head, line, settings):
    head.data.shape_keys.key_blocks["jawOpen"].slider_max = 0.1
    assert "jawOpen on Face: held back; set Range to 0 and 1" in speak(head, line, settings).notes[0]


def test_nothing_is_written_when_the_sound_is_gone_by_then(head, line, settings):
    performance = bake.perform(sound.from_file(str(line), 1), settings)
    before = state()
    line.unlink()
    with pytest.raises(AudioError, match="does not exist"):
        bake.write(bpy.context.scene, head, performance)
    assert state() == before


def test_silence_gives_a_resting_face(head, settings, tmp_path):
    from soundfile import write

    write(tmp_path / "silence.wav", np.zeros(16_000), 16_000)
    speak(head, tmp_path / "silence.wav", settings)
    assert keys_on(head, "jawOpen").tolist() == [[1, 0], [24, 0]]


def test_keys_with_quotes_and_brackets_in_their_names_are_found_by_path(make_head, scene):
    head = make_head(keys=('jaw "Open"\\]',))
    head.data.shape_keys.key_blocks[1].keyframe_insert("value")
    assert [curve.data_path for curve in compat.curves_of(action_of(head), head.data.shape_keys)] == [
        targets.value_path('jaw "Open"\\]')
    ]


def test_a_bake_works_while_the_mesh_is_edited(head, line, settings):
    bpy.ops.object.mode_set(mode="EDIT")
    speak(head, line, settings)
    bpy.ops.object.mode_set(mode="OBJECT")
    assert len(keys_on(head, "jawOpen")) == 48
