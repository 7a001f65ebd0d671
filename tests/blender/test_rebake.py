"""Baking again: a range, a moved, trimmed or slowed strip, and through it all every key of the animator's."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from itertools import pairwise

import bpy
import numpy as np
import pytest
from hypothesis import given, settings, strategies

from addon.blender.base import compat, jobs, sound
from addon.blender.fcurves import keys, lines
from addon.blender.sidebar import rebake_operators
from addon.blender.takes import bake, memory, rebake, rebake_strip, takes
from addon.core import emotions
from addon.core.curves import Curves
from addon.core.errors import FacewrightError
from addon.core.settings import BlinkSettings, BrowsSettings, Settings

from .conftest import Head, action_of, needs_audio, write_line
from .staging import QUIET, SMALL, curve_of, curves_in, dump, hand_key, move_key, performance, say, table_of

OTHER = Settings(seed=0, head=QUIET.head, brows=BrowsSettings(raise_by=0.9), blink=BlinkSettings(per_minute_talking=60))


@pytest.fixture
def head(make_head: Head) -> bpy.types.Object:
    return make_head(keys=SMALL)


def again(span: tuple[float, float] | None = None, asked: Settings = OTHER) -> rebake.Report:
    scene = bpy.context.scene
    return rebake.rebake(scene, takes.of(scene).takes[0], span, asked, memory.UNDIRECTED)


def values(head: bpy.types.Object, name: str, frames=range(1, 49)) -> np.ndarray:
    return np.array([curve_of(head, name).evaluate(frame) for frame in frames])


def test_the_same_again_changes_nothing(head):
    say(head)
    before = dump()
    again(None, QUIET)
    assert dump() == before


def test_a_renamed_key_is_baked_again_like_the_others(head):
    say(head)
    take = say(head, "later", 101)
    assert take.name == "later 1"
    hand_key(head, "jawOpen", 20.5, 0.9)
    hand_key(head, "mouthFunnel", 110.5, 0.9)
    for name in ("jawOpen", "mouthFunnel"):
        head.data.shape_keys.key_blocks[name].name = name.upper()
    assert "jawOpen" not in head.data.shape_keys.key_blocks
    before = values(head, "JAWOPEN", range(1, 17))
    assert again().kept == 1
    assert again(asked=replace(OTHER, articulation=replace(OTHER.articulation, jaw=0.2))).kept == 1
    assert np.abs(values(head, "JAWOPEN", range(1, 17)) - before).max() > 0.1
    _, second = takes.of(bpy.context.scene).takes
    assert rebake.rebake(bpy.context.scene, second, None, OTHER, memory.UNDIRECTED).kept == 1
    assert curve_of(head, "JAWOPEN").evaluate(20.5) == pytest.approx(0.9)


def test_other_layers_give_other_keys_and_the_take_remembers_them(head):
    take = say(head)
    before = values(head, "browInnerUp")
    again()
    assert np.abs(values(head, "browInnerUp") - before).max() > 0.1
    assert memory.asked(take)[0].brows.raise_by == 0.9


def test_a_mesh_that_joined_the_character_after_the_bake_is_told(head, make_head: Head):
    say(head)
    assert again().notes == ()
    make_head("Lashes", ("eyeBlinkLeft", "eyeBlinkRight"), parent=head)
    told = "Lashes: no part of this take, so nothing moves there; press Animate for a take of all of it"
    assert again().notes == (told,)
    bpy.context.scene.render.fps = 30
    assert rebake_strip.update(bpy.context.scene, takes.of(bpy.context.scene).takes[0]).notes == (told,)


def test_what_cannot_be_seen_is_told_again(head):
    say(head)
    block = head.data.shape_keys
    block.key_blocks["jawOpen"].data[0].co = block.reference_key.data[0].co
    assert again().notes[0].startswith("jawOpen: no mesh has a shape for that")


def test_a_range_changes_nothing_outside_and_blends_at_its_borders(head):
    say(head)
    before = {name: values(head, name) for name in SMALL}
    whole = say(head, "whole", 201)
    assert whole.name == "whole 1"
    takes.of(bpy.context.scene).blend_s = 4 / 24
    again((10, 40))
    for name in SMALL:
        after = values(head, name)
        np.testing.assert_array_equal(after[:10], before[name][:10])
        np.testing.assert_array_equal(after[39:], before[name][39:])
    changed = values(head, "browInnerUp") - before["browInnerUp"]
    assert np.abs(changed).max() > 0.05
    assert np.abs(np.diff(changed)).max() < 0.35


def test_without_a_blend_the_range_is_new_from_its_first_frame_on(head):
    say(head)
    takes.of(bpy.context.scene).blend_s = 0
    asked = Settings(head=QUIET.head, brows=BrowsSettings(raise_by=0.0))
    again((1, 30), asked)
    assert not values(head, "browInnerUp", range(1, 31)).any()


def test_a_range_baked_otherwise_leaves_what_the_take_was_asked_for(head):
    take = say(head)
    before = memory.asked(take)
    again((7, 31))
    assert memory.asked(take) == before
    again()
    assert memory.asked(take)[0] == OTHER


def test_lips_stay_sealed_through_a_range_that_is_blended(head):
    say(head)
    sealed = values(head, "jawOpen") - values(head, "mouthClose") <= 0.02
    again((7, 31))
    assert sealed.sum() > 5
    assert (values(head, "jawOpen") - values(head, "mouthClose"))[sealed].max() <= 0.02 + 1e-6


@pytest.mark.parametrize("fewer", [False, True])
def test_keys_that_were_added_moved_reshaped_or_taken_over_stay(head, fewer):
    takes.of(bpy.context.scene).use_fewer_keys = fewer
    say(head)
    hand_key(head, "jawOpen", 10.5, 0.9)
    move_key(head, "mouthFunnel", 20, (0.25, 0.2))
    point = curve_of(head, "browInnerUp").keyframe_points[1]
    point.interpolation, point.type = "CONSTANT", "EXTREME"
    mine = {name: theirs_of(head, name) for name in SMALL}
    assert [len(found) for found in mine.values()].count(0) == len(SMALL) - 3
    report = again()
    assert report.kept == 3
    assert same({name: theirs_of(head, name) for name in SMALL}, mine)


@pytest.mark.parametrize(("said", "value"), [("type", "EXTREME"), ("interpolation", "CONSTANT")])
def test_a_key_of_which_one_thing_alone_was_changed_is_the_animators(head, said, value):
    say(head)
    setattr(curve_of(head, "browInnerUp").keyframe_points[1], said, value)
    mine = theirs_of(head, "browInnerUp")
    assert len(mine) == 1
    assert again().kept == 1
    assert same({"browInnerUp": theirs_of(head, "browInnerUp")}, {"browInnerUp": mine})


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_key_of_which_one_handle_was_dragged_is_the_animators(head, side):
    takes.of(bpy.context.scene).use_fewer_keys = True
    say(head)
    points = curve_of(head, "browInnerUp").keyframe_points
    point = next(p for before, p in pairwise(points) if before.interpolation == p.interpolation == "BEZIER")
    point.handle_left_type = point.handle_right_type = "FREE"
    getattr(point, f"handle_{side}")[1] += 0.2
    assert [key["co"][0] for key in theirs_of(head, "browInnerUp")] == [point.co[0]]


def test_the_curve_arrives_at_and_leaves_a_key_of_the_animators_as_it_did(head):
    takes.of(bpy.context.scene).use_fewer_keys = True
    say(head)
    hand_key(head, "browInnerUp", 39.5, 0.9)
    before = table_of(head, "browInnerUp")
    again()
    after = table_of(head, "browInnerUp")
    for side, step in (("handle_right", -1), ("handle_left", 1)):
        was, now = (table[np.flatnonzero(table["co"][:, 0] == 39.5) + step] for table in (before, after))
        assert was["co"][0, 0] == now["co"][0, 0]
        np.testing.assert_allclose(now[side] - now["co"], was[side] - was["co"], atol=1e-4)


def test_what_was_cleared_around_a_key_stays_clear(head):
    say(head)
    curve = curve_of(head, "jawOpen")
    for point in [p for p in curve.keyframe_points if 10 <= p.co[0] <= 20][::-1]:
        curve.keyframe_points.remove(point)
    hand_key(head, "jawOpen", 15, 0.6)
    again()
    frames = table_of(head, "jawOpen")["co"][:, 0]
    assert frames[(frames > 8.5) & (frames < 21.5)].tolist() == [9, 15, 21]


def test_a_locked_curve_is_left_alone(head):
    say(head)
    curve_of(head, "browInnerUp").lock = True
    before = table_of(head, "browInnerUp").tobytes()
    report = again()
    assert table_of(head, "browInnerUp").tobytes() == before
    assert any("locked" in note for note in report.notes)


def test_modifiers_are_not_baked_into_the_keys(head):
    say(head)
    noise = curve_of(head, "jawOpen").modifiers.new("NOISE")
    noise.strength = 5
    before = table_of(head, "jawOpen")["co"].copy()
    again((10, 30), QUIET)
    np.testing.assert_allclose(table_of(head, "jawOpen")["co"], before, atol=1e-6)
    assert not noise.mute


def test_keys_can_be_selected_by_whose_they_are(head):
    say(head)
    hand_key(head, "jawOpen", 10, 0.9)
    bpy.ops.facewright.select_keys(whose="MINE")
    chosen = [p.co[0] for curve in curves_in(action_of(head)) for p in curve.keyframe_points if p.select_control_point]
    assert chosen == [10]
    bpy.ops.facewright.select_keys(whose="GENERATED")
    assert not next(p for p in curve_of(head, "jawOpen").keyframe_points if p.co[0] == 10).select_control_point
    assert jobs.board.result.endswith("keys that were generated are selected")


def test_keys_can_be_taken_over_and_given_back(head):
    say(head)
    for curve in curves_in(action_of(head)):
        for point in curve.keyframe_points:
            point.select_control_point = "browInnerUp" in curve.data_path and 1 <= point.co[0] <= 11
    before = values(head, "browInnerUp", range(1, 12))
    bpy.ops.facewright.own_keys(action="LOCK")
    assert again().kept == 11
    np.testing.assert_array_equal(values(head, "browInnerUp", range(1, 12)), before)
    bpy.ops.facewright.own_keys(action="RELEASE")
    assert again().kept == 0
    assert np.abs(values(head, "browInnerUp", range(1, 12)) - before).max() > 0.01


def test_generated_keys_look_generated(head):
    say(head)
    assert {p.type for p in curve_of(head, "jawOpen").keyframe_points} == {"GENERATED"}
    hand_key(head, "jawOpen", 10.5, 0.9)
    kinds = {p.co[0]: p.type for p in curve_of(head, "jawOpen").keyframe_points}
    assert (kinds[10], kinds[10.5]) == ("GENERATED", "KEYFRAME")


@pytest.mark.parametrize(
    ("span", "told"),
    [
        ((math.nan, 20), "not made of numbers"),
        ((1, math.inf), "not made of numbers"),
        ((30, 20), r"ends \(20\) before it starts \(30\); swap the two"),
        ((300, 400), "lie outside 'hello 1', which is on 1 to 48"),
    ],
)
def test_a_range_that_cannot_be_is_refused_without_a_trace(head, span, told):
    say(head)
    before = dump()
    with pytest.raises(FacewrightError, match=told):
        again(span)
    assert dump() == before


def test_the_panels_ranges_are_the_timelines(head):
    say(head)
    scene, held = bpy.context.scene, takes.of(bpy.context.scene)
    held.asked = "TAKE"
    for kind, told in (("PREVIEW", "no preview range"), ("MARKERS", "no markers"), ("KEYS", "no key of the head")):
        held.span = kind
        bpy.ops.facewright.select_keys(whose="MINE")
        with pytest.raises(RuntimeError, match=told):
            bpy.ops.facewright.rebake()
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 5, 15
    scene.timeline_markers.new("a", frame=20), scene.timeline_markers.new("b", frame=30)
    scene.frame_set(25)
    hand_key(head, "jawOpen", 40, 0.9), hand_key(head, "jawOpen", 44, 0.9)
    bpy.ops.facewright.select_keys(whose="MINE")
    for kind, where in (("PREVIEW", "5 to 15"), ("MARKERS", "20 to 30"), ("KEYS", "40 to 44"), ("TAKE", "1 to 48")):
        held.span = kind
        bpy.ops.facewright.rebake()
        assert f"frames {where};" in jobs.board.result


@pytest.mark.parametrize(("fps", "frame"), [(1, 1), (240, 1), (24, -100), (24, 100_000)])
@pytest.mark.parametrize("fewer", [False, True])
def test_every_rate_and_place_can_be_baked_again(head, fps, frame, fewer):
    bpy.context.scene.render.fps = fps
    takes.of(bpy.context.scene).use_fewer_keys = fewer
    take = say(head, frame=frame)
    hand_key(head, "jawOpen", frame + 0.5, 0.9)
    report = again((frame, frame + 1))
    assert report.kept == 1
    assert again().kept == 1
    assert (take.first, take.last) == (frame, frame + 2 * fps - 1)


@pytest.mark.parametrize("error", [0.02, 0.005])
def test_fewer_keys_are_within_their_error_by_blenders_own_evaluation(head, error):
    said = performance(seconds=4)
    bake.write(bpy.context.scene, head, said)
    dense = {name: curve_of(head, name) for name in SMALL}
    held = takes.of(bpy.context.scene)
    held.use_fewer_keys, held.error = True, error
    at = np.linspace(1, 96, 95 * 8 + 1)
    truth = {name: values(head, name, at) for name in SMALL}
    count = sum(len(curve.keyframe_points) for curve in dense.values())
    bake.write(bpy.context.scene, head, said)
    found = {name: values(head, name, at) for name in SMALL}
    assert max(np.abs(found[name] - truth[name]).max() for name in SMALL) <= error
    assert sum(len(curve_of(head, name).keyframe_points) for name in SMALL) < 0.6 * count
    gap, was = (part["jawOpen"] - part["mouthClose"] for part in (found, truth))
    whole = np.isclose(at % 1, 0)
    inside = (
        (was <= 0.02)
        & np.isin(np.floor(at), at[whole & (was <= 0.02)])
        & np.isin(np.ceil(at), at[whole & (was <= 0.02)])
    )
    assert gap[inside].max() <= 0.02 + 1e-5


def test_few_keys_hold_a_long_closure_shut_and_stand_at_both_its_ends(head):
    t = np.arange(200) / 50
    jaw = 0.3 + 0.1 * np.sin(2 * np.pi * 0.7 * t)
    gap = 0.017 + 0.15 * np.interp(t % 2, [0, 0.5, 0.6, 1.1, 2], [0, 0, 1, 1, 0]) ** 2  # parted at once, met slowly
    curves = Curves(np.stack([jaw, jaw - gap], axis=1).astype(np.float32), ("jawOpen", "mouthClose"), 50.0)
    said, frames = replace(performance(seconds=4), curves=curves, heard=None), np.arange(1, 97)
    bake.write(bpy.context.scene, head, said)
    sealed = values(head, "jawOpen", frames) - values(head, "mouthClose", frames) <= 0.02
    ends = frames[1:-1][sealed[1:-1] & (sealed[2:] != sealed[:-2])]
    assert 2 < len(ends) < sealed.sum() / 4
    held = takes.of(bpy.context.scene)
    held.use_fewer_keys, held.error = True, 0.05
    bake.write(bpy.context.scene, head, said)
    assert (values(head, "jawOpen", frames) - values(head, "mouthClose", frames))[sealed].max() <= 0.02 + 1e-5
    for name in ("jawOpen", "mouthClose"):
        at = table_of(head, name)["co"][:, 0]
        assert set(ends) <= set(at)
        assert len(at) < len(frames) / 2


def test_a_scene_of_another_rate_is_updated_first(head):
    say(head)
    hand_key(head, "jawOpen", 25, 0.9)
    bpy.context.scene.render.fps = 48
    with pytest.raises(FacewrightError, match="baked at 24 frames a second; use Update to Strip first"):
        again()
    bpy.ops.facewright.update_to_strip()
    take = takes.of(bpy.context.scene).takes[0]
    assert (take.first, take.last) == (1, 96)
    assert curve_of(head, "jawOpen").evaluate(49) == pytest.approx(0.9)
    assert again().kept == 1


def test_a_line_on_its_place_needs_no_update(head):
    say(head)
    with pytest.raises(RuntimeError, match="nothing to update"):
        bpy.ops.facewright.update_to_strip()


@pytest.fixture
def strip(head, tmp_path):
    """A strip of two seconds at frame 1, and a take of it."""
    path = write_line(tmp_path / "hello.wav")
    said = performance()
    line = sound.from_file(str(path), 1)
    parts = said.heard, said.settings
    bake.write(bpy.context.scene, head, bake.Performance(line, said.curves, (), *parts))
    return compat.sound_strips(bpy.context.scene)[0]


@needs_audio
def test_a_moved_strip_takes_keys_and_hand_keys_along(head, strip):
    hand_key(head, "jawOpen", 10, 0.9)
    before = table_of(head, "jawOpen")["co"].copy()
    with pytest.raises(RuntimeError, match="nothing to update"):
        bpy.ops.facewright.update_to_strip()
    _place(strip, 31)
    bpy.ops.facewright.update_to_strip()
    np.testing.assert_allclose(table_of(head, "jawOpen")["co"], before + (30, 0), atol=1e-5)
    assert again().kept == 1


@needs_audio
def test_other_takes_of_a_moved_line_lie_where_it_went_with_what_was_done_to_them(head, strip):
    hand_key(head, "jawOpen", 10.5, 0.9)
    mine = theirs_of(head, "jawOpen")
    bpy.ops.facewright.take_duplicate()
    first, second = takes.of(bpy.context.scene).takes
    _place(strip, 31)
    bpy.ops.facewright.update_to_strip(uid=second.uid)
    assert [(take.first, take.last, takes.is_current(take)) for take in (first, second)] == [
        (31, 78, False),
        (31, 78, True),
    ]
    bpy.ops.facewright.take_show(uid=first.uid)
    frames = table_of(head, "jawOpen")["co"][:, 0]
    assert (frames.min(), frames.max()) == (31, 78)
    assert lines.of(action_of(head)) == [takes.own_line(first)]
    assert curve_of(head, "jawOpen").evaluate(40.5) == pytest.approx(0.9)
    assert len(theirs_of(head, "jawOpen")) == len(mine)


@needs_audio
@pytest.mark.parametrize("is_packed", [True, False])
def test_a_line_whose_file_was_packed_or_moved_is_baked_as_the_layers_are_now(head, strip, tmp_path, is_packed):
    path = sound.path_of(strip.sound)
    if is_packed:
        strip.sound.pack()
        path.unlink()
    else:
        (tmp_path / "elsewhere").mkdir()
        strip.sound.filepath = str(path.rename(tmp_path / "elsewhere" / path.name))
    bpy.context.scene.facewright.layers.brows.raise_by = 0.9
    bpy.ops.facewright.rebake(asked="NOW")
    assert memory.asked(takes.of(bpy.context.scene).takes[0])[0].brows.raise_by == pytest.approx(0.9)
    assert jobs.board.notes == ()


@needs_audio
@pytest.mark.parametrize("is_channel", [False, True])
def test_a_line_goes_with_the_strip_that_is_heard_where_another_of_its_sound_is_muted(head, strip, is_channel):
    scene = bpy.context.scene
    copy = compat.strips(scene).new_sound("copy", strip.sound.filepath, 4, 31)
    muted = scene.sequence_editor.channels[strip.channel] if is_channel else strip
    muted.mute = True
    bpy.ops.facewright.update_to_strip()
    assert takes.of(scene).takes[0].first == 31
    muted.mute, copy.mute = False, True
    bpy.ops.facewright.update_to_strip()
    assert takes.of(scene).takes[0].first == 1


@needs_audio
def test_the_other_half_of_a_strip_that_was_split_is_told(head, strip):
    other = strip.split(frame=25, split_method="SOFT")
    _place(other, compat.span(other)[0] + 40)
    bpy.ops.facewright.update_to_strip()
    assert takes.of(bpy.context.scene).takes[0].last == 24
    assert jobs.board.notes == (f"strip '{other.name}' plays on where hello ends now; animate that strip too",)


@needs_audio
def test_a_trimmed_strip_keeps_what_is_still_heard_in_time(head, strip):
    hand_key(head, "jawOpen", 30, 0.9)
    before = values(head, "browInnerUp", range(13, 37))
    strip.frame_final_start, strip.frame_final_end = 13, 37
    bpy.ops.facewright.update_to_strip()
    take = takes.of(bpy.context.scene).takes[0]
    assert (take.first, take.last) == (13, 36)
    np.testing.assert_allclose(values(head, "browInnerUp", range(13, 37)), before, atol=1e-6)
    assert curve_of(head, "jawOpen").evaluate(30) == pytest.approx(0.9)
    frames = table_of(head, "jawOpen")["co"][:, 0]
    assert (frames.min(), frames.max()) == (13, 36)


def _slow(strip: bpy.types.SoundStrip) -> None:
    """Half the speed, as Strip > Retiming > Set Speed gives it."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    if hasattr(window.workspace, "sequencer_scene"):
        window.workspace.sequencer_scene = bpy.context.scene
    bpy.context.scene.sequence_editor.active_strip = strip
    strip.select = True
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.sequencer.retiming_show()
        bpy.ops.sequencer.retiming_segment_speed_set(speed=50.0)


@needs_audio
def test_a_slowed_strip_stretches_keys_and_hand_keys(head, strip):
    hand_key(head, "jawOpen", 25, 0.9)
    _slow(strip)
    bpy.ops.facewright.update_to_strip()
    take = takes.of(bpy.context.scene).takes[0]
    assert take.last == pytest.approx(96, abs=1)
    assert take.stretch == pytest.approx(2)
    assert [49, np.float32(0.9)] in table_of(head, "jawOpen")["co"].tolist()


@needs_audio
def test_a_strip_that_was_hard_split_and_then_slowed_keeps_keys_where_their_sound_is(head, strip):
    hand_key(head, "jawOpen", 37, 0.9)  # a second and a half into the recording
    rest = strip.split(frame=25, split_method="HARD")
    compat.strips(bpy.context.scene).remove(strip)
    _slow(rest)
    bpy.ops.facewright.update_to_strip()
    take = takes.of(bpy.context.scene).takes[0]
    assert (take.first, take.last) == (25, pytest.approx(72, abs=1))
    assert (take.stretch, takes.line_of(take)[0].start_s) == pytest.approx((2, 1))
    assert [49, np.float32(0.9)] in table_of(head, "jawOpen")["co"].tolist()


@needs_audio
@pytest.mark.parametrize("by", ["marker", "keys"])
def test_what_is_asked_of_a_trimmed_line_stays_on_its_frames(head, strip, by):
    scene = bpy.context.scene
    if by == "marker":
        scene.timeline_markers.new("sadness", frame=24)
    for frame, value in ((20, 0.0), (28, 1.0)) if by == "keys" else ():
        scene.facewright.layers.emotion.sadness = value
        scene.keyframe_insert("facewright.layers.emotion.sadness", frame=frame)
    bpy.ops.facewright.rebake(asked="NOW")
    before = {name: values(head, name, range(13, 37)) for name in SMALL}
    strip.frame_final_start, strip.frame_final_end = 13, 37
    bpy.ops.facewright.update_to_strip()
    bpy.ops.facewright.rebake(asked="NOW")
    for name in SMALL:
        np.testing.assert_allclose(values(head, name, range(13, 37)), before[name], atol=1e-5)


@needs_audio
def test_a_trimmed_line_looks_at_a_target_that_moves_when_it_is_there(head, strip):
    scene = bpy.context.scene
    scene.facewright.look_at = target = bpy.data.objects.new("Target", None)
    scene.collection.objects.link(target)
    for frame, place in ((1, 3.0), (40, -3.0)):
        target.location = (place, -3, 0)
        target.keyframe_insert("location", frame=frame)
    bpy.ops.facewright.rebake(asked="NOW")
    take = takes.of(scene).takes[0]
    yaw = memory.asked(take)[1].look.column("lookYaw")
    strip.frame_final_start, strip.frame_final_end = 13, 37
    bpy.ops.facewright.update_to_strip()
    bpy.ops.facewright.rebake(asked="NOW")
    np.testing.assert_allclose(memory.asked(take)[1].look.column("lookYaw"), yaw, atol=0.01)


@needs_audio
def test_markers_of_a_slowed_line_count_in_the_time_of_its_recording(head, strip):
    bpy.context.scene.timeline_markers.new("joy", frame=25)
    take = takes.of(bpy.context.scene).takes[0]
    take.stretch = 2.0
    settings_now, _, _ = rebake_operators.asked_now(bpy.context, take)
    assert emotions.marks(settings_now.emotion.track)[0][0] == pytest.approx(0.5)


@needs_audio
def test_two_lines_may_not_end_up_on_each_other(head, strip, tmp_path):
    path = write_line(tmp_path / "other.wav")
    said = performance("other")
    line = sound.from_file(str(path), 101)
    bake.write(bpy.context.scene, head, bake.Performance(line, said.curves, (), said.heard, said.settings))
    before = dump()
    _place(strip, 90)
    with pytest.raises(RuntimeError, match="would be spoken at once by one head"):
        bpy.ops.facewright.update_to_strip()
    assert dump() == before


def test_updating_the_copy_of_a_head_leaves_the_head_that_it_was_copied_from(head):
    say(head)
    copy = head.copy()
    copy.data = head.data.copy()
    bpy.context.scene.collection.objects.link(copy)
    keys_of_copy = copy.data.shape_keys.animation_data
    keys_of_copy.action = keys_of_copy.action.copy()  # as Blender duplicates it
    take = say(copy, "later", 101)
    action, before = action_of(head), dump()
    bpy.context.scene.render.fps = 48
    rebake_strip.update(bpy.context.scene, take)
    assert (take.first, take.last) == (101, 196)
    assert dump()[action.name] == before[action.name]
    assert takes.of(bpy.context.scene).takes[0].last == 48


@needs_audio
def test_a_line_that_is_animated_anew_after_its_strip_was_moved_tells_what_it_leaves_behind(head, strip):
    _place(strip, 101)
    line = sound.from_strip(bpy.context.scene, strip.name)
    report = bake.write(bpy.context.scene, head, replace(performance(), line=line))
    (note,) = report.notes
    assert note.startswith("'hello 1' is still on frames 1 to 48, where its sound no longer is; delete that take")
    with pytest.raises(RuntimeError, match="'hello 1' and 'hello 2' would be spoken at once .*; delete one of them"):
        bpy.ops.facewright.update_to_strip()
    bpy.ops.facewright.take_delete(uid=takes.of(bpy.context.scene).takes[0].uid)
    frames = table_of(head, "jawOpen")["co"][:, 0]
    assert (frames.min(), frames.max()) == (101, 148)


def _place(strip, frame: int) -> None:
    strip.channel = 5
    setattr(strip, "content_start" if compat.HAS_HANDLES else "frame_start", float(frame))


EDITS = strategies.tuples(
    strategies.sampled_from(
        ("add", "move", "value", "delete", "type", "shape", "own", "range", "whole", "take", "fewer")
    ),
    strategies.integers(0, len(SMALL) - 1),
    strategies.floats(1, 48),
    strategies.floats(0, 1),
    strategies.integers(0, 3),
)


@settings(max_examples=int(os.environ.get("FACEWRIGHT_EDITS", "40")))
@given(strategies.lists(EDITS, min_size=2, max_size=8))
def test_no_sequence_of_edits_and_bakes_loses_a_key_of_the_animators(edits):
    head, scene = _fresh(), bpy.context.scene
    mine: dict[str, np.ndarray] = {name: theirs_of(head, name) for name in SMALL}
    for kind, place, frame, value, seed in edits:
        name = SMALL[place]
        if kind in {"range", "whole", "take"}:
            asked = Settings(seed=seed, head=QUIET.head, brows=BrowsSettings(raise_by=value))
            if kind == "take":
                first = takes.of(scene).takes[0].uid
                bpy.ops.facewright.take_duplicate(seed=seed)
                bpy.ops.facewright.take_show(uid=first)
            else:
                span = None if kind == "whole" else tuple(sorted((frame, 1 + 47 * value)))
                rebake.rebake(scene, takes.of(scene).takes[0], span, asked, memory.UNDIRECTED)
            assert same({name: theirs_of(head, name) for name in SMALL}, mine)
        else:
            _edit(head, kind, name, frame, value)
            mine = {name: theirs_of(head, name) for name in SMALL}


def _fresh() -> bpy.types.Object:
    """A head with one take, in an empty scene."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.context.scene.render.fps = 24
    mesh = bpy.data.meshes.new("Face")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    head = bpy.data.objects.new("Face", mesh)
    bpy.context.scene.collection.objects.link(head)
    for name in ("Basis", *SMALL):
        head.shape_key_add(name=name)
    bpy.context.view_layer.objects.active = head
    say(head)
    return head


def _edit(head: bpy.types.Object, kind: str, name: str, frame: float, value: float) -> None:
    """What an animator does to a key."""
    if kind == "fewer":
        held = takes.of(bpy.context.scene)
        held.use_fewer_keys = not held.use_fewer_keys
        return None
    if kind == "add":
        return hand_key(head, name, round(frame, 1), value)
    if kind == "move":
        return move_key(head, name, frame, (round(4 * value - 2, 2), 0.0))
    if kind == "value":
        return move_key(head, name, frame, (0.0, value))
    curve = curve_of(head, name)
    if len(curve.keyframe_points) < 2:
        return None
    point = min(curve.keyframe_points, key=lambda point: abs(point.co[0] - frame))
    if kind == "delete":
        curve.keyframe_points.remove(point)
    elif kind == "shape":
        point.interpolation = "CONSTANT" if value < 0.5 else "SINE"
    else:
        point.type = "EXTREME" if kind == "type" else "KEYFRAME"
    return None


def theirs_of(head: bpy.types.Object, name: str) -> keys.Table:
    """The animator's keys on a shape key."""
    table = table_of(head, name)
    noted = keys.notes(action_of(head))[f'key_blocks["{name}"].value', 0]
    return table[keys.theirs(table, noted)]


def same(now: dict[str, keys.Table], before: dict[str, keys.Table]) -> bool:
    """Whether every key of the animator's is there as it was; handles that Blender sets by itself follow their
    neighbours."""
    fields = [field for field in keys.KEY.names if not field.startswith(("handle_left", "handle_right"))]
    for name in before:
        if len(now[name]) != len(before[name]):
            return False
        if not all(np.array_equal(now[name][field], before[name][field]) for field in fields):
            return False
        for side in ("left", "right"):
            set_by_hand = np.isin(before[name][f"handle_{side}_type"], (keys.FREE, keys.ALIGNED))
            if not np.allclose(
                now[name][f"handle_{side}"][set_by_hand], before[name][f"handle_{side}"][set_by_hand], atol=1e-4
            ):
                return False
    return True


@needs_audio
def test_a_line_follows_its_own_strip_where_another_file_has_the_same_name(make_head: Head, tmp_path):
    scene = bpy.context.scene
    for number, name in enumerate(("Anna", "Bob")):
        head = make_head(name, keys=SMALL)
        (tmp_path / name).mkdir()
        line = sound.from_file(str(write_line(tmp_path / name / "010.wav")), 1 + 100 * number)
        bake.write(scene, head, replace(performance(), line=line))
    take = takes.of(scene).takes[1]
    assert (take.line, take.first) == ("010", 101)
    with pytest.raises(RuntimeError, match="nothing to update"):
        bpy.ops.facewright.update_to_strip(uid=take.uid)


@needs_audio
def test_strips_that_touch_are_no_lines_at_once(head, tmp_path):
    scene = bpy.context.scene
    end = 1
    for name in ("one", "two"):
        path = write_line(tmp_path / f"{name}.wav", 2.015)
        strip = compat.strips(scene).new_sound(name, str(path), 1, end)
        end = round(compat.span(strip)[2])
        line = sound.from_strip(scene, name)
        bake.write(scene, head, replace(performance(seconds=2.02), line=line))
    with pytest.raises(RuntimeError, match="nothing to update"):
        bpy.ops.facewright.update_to_strip()


def test_keys_of_a_line_an_hour_into_a_recording_move_by_whole_frames(scene):
    old = rebake_strip.Place(1, 240, 3600.0, 1.0, 24.0)
    move = rebake_strip.Move(takes.of(scene).takes.add(), old, replace(old, first=101))
    frames = np.arange(1, 241, dtype=np.float32)
    moved = move.moved(keys.dense(frames, np.zeros_like(frames)))
    np.testing.assert_array_equal(moved["co"][:, 0], frames + 100)


def test_a_line_late_in_a_recording_that_moves_is_not_said_to_play_more_than_was_heard(head):
    take, start_s = say(head), 120_002 / 24  # which single precision, in which Blender keeps it, rounds up
    take.heard_from_s = start_s
    old = rebake_strip.Place(1, 24, start_s, 1.0, 24.0)
    told = [
        rebake_strip._beyond(bpy.context.scene, rebake_strip.Move(take, old, new))
        for new in (replace(old, first=31), replace(old, start_s=start_s - 1 / 24))
    ]
    assert [len(notes) for notes in told] == [0, 1]
