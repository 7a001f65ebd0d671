"""Takes: listed, shown, compared, copied, deleted and pushed, while nothing of the animator's is lost."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
from mathutils import Euler

from addon.blender.base import compat, jobs, sound
from addon.blender.fcurves import keys, lines
from addon.blender.sidebar import take_panel
from addon.blender.takes import bake, memory, rebake, take_parts, take_shelf, takes
from addon.core import pipeline
from addon.core.settings import HeadSettings, loads

from . import test_bones
from .conftest import Head, action_of, armature_with
from .staging import SMALL, curve_of, dump, hand_key, performance, say, spoken, table_of

make_rig = test_bones.make_rig


@pytest.fixture
def head(make_head: Head) -> bpy.types.Object:
    return make_head(keys=SMALL)


def held():
    return takes.of(bpy.context.scene)


def names() -> list[str]:
    return [take.name for take in held().takes]


def table_of_action(take, name: str) -> keys.Table:
    (part,) = take.parts
    return next(keys.read(c) for c in compat.every_curve(part.action) if c.data_path == f'key_blocks["{name}"].value')


def shown() -> list[str]:
    return [take.name for take in held().takes if takes.is_current(take)]


def test_every_bake_is_a_take_with_all_that_it_was_made_from(head):
    take = say(head, seed=7)
    assert (take.name, take.line, take.seed, take.first, take.last) == ("hello 1", "hello", 7, 1, 48)
    assert loads(take.settings).seed == 7
    assert take.head == head
    assert [part.action for part in take.parts] == [action_of(head)]
    kept = memory.heard(held(), take)
    np.testing.assert_array_equal(kept.curves.values, spoken().curves.values)
    assert shown() == ["hello 1"]


def test_lines_overlap_from_the_first_frame_that_they_share_on():
    first, second, third = (lines.Line("", "", start, end) for start, end in ((1, 10), (10, 20), (11, 20)))
    assert lines.overlap(first, second)
    assert lines.overlap(second, first)
    assert not lines.overlap(first, third)


def test_an_action_of_the_animators_is_saved_with_the_file_when_a_take_takes_its_place(head):
    take = say(head)
    own = bpy.data.actions.new("Own")
    compat.assign(head.data.shape_keys, own)
    takes.switch(bpy.context.scene, take)
    assert own.use_fake_user


def test_takes_of_a_line_share_what_was_heard(head):
    say(head, seed=1), say(head, seed=2)
    assert len(held().memory) == 1
    say(head, "other", 100, seconds=1.0)
    assert len(held().memory) == 2


def test_a_take_can_be_shown_again(head):
    first, jaw = say(head, seed=1).uid, table_of(head, "eyeBlinkLeft")
    say(head, seed=2)
    assert shown() == ["hello 2"]
    assert bpy.ops.facewright.take_show(uid=first) == {"FINISHED"}
    assert shown() == ["hello 1"]
    np.testing.assert_array_equal(table_of(head, "eyeBlinkLeft"), jaw)


def test_compare_goes_back_and_forth(head):
    say(head, seed=1), say(head, seed=2), say(head, seed=3)
    bpy.ops.facewright.take_show(uid=held().takes[0].uid)
    assert shown() == ["hello 1"]
    for expected in ("hello 3", "hello 1", "hello 3"):
        bpy.ops.facewright.take_compare()
        assert shown() == [expected]


def test_a_take_of_another_frame_rate_is_told_when_it_is_shown(head):
    say(head)
    bpy.context.scene.render.fps = 48
    say(head, seed=1)
    bpy.ops.facewright.take_compare()
    assert jobs.board.notes == ("'hello 1' was baked at 24 frames a second; use Update to Strip first",)
    bpy.ops.facewright.update_to_strip()
    bpy.ops.facewright.take_compare(), bpy.ops.facewright.take_compare()
    assert shown() == ["hello 1"]
    assert jobs.board.notes == ()


def test_one_take_has_nothing_to_be_compared_with(head):
    say(head)
    with pytest.raises(RuntimeError, match="one take only"):
        bpy.ops.facewright.take_compare()


def test_another_take_has_another_seed_and_needs_no_model(head):
    say(head)
    assert bpy.ops.facewright.take_duplicate() == {"FINISHED"}
    assert [take.seed for take in held().takes] == [0, 1]
    assert shown() == ["hello 2"]
    assert jobs.board.result == "'hello 2' is shown, with seed 1"  # in quotes, or the panel writes it with a capital
    assert bpy.ops.facewright.take_duplicate(seed=99) == {"FINISHED"}
    assert held().takes[-1].seed == 99


def test_the_same_seed_gives_the_same_keys(head):
    say(head, seed=5)
    before = table_of(head, "eyeBlinkLeft")
    bpy.ops.facewright.take_duplicate(seed=6)
    assert not np.array_equal(table_of(head, "browInnerUp")["co"], before["co"])
    bpy.ops.facewright.take_duplicate(seed=5)
    np.testing.assert_array_equal(table_of(head, "eyeBlinkLeft"), before)


def test_what_was_done_by_hand_stays_with_its_take(head):
    first = say(head, seed=1).uid
    hand_key(head, "jawOpen", 10, 0.9)
    second = say(head, seed=2).uid
    assert curve_of(head, "jawOpen").evaluate(10) != pytest.approx(0.9)
    hand_key(head, "jawOpen", 20, 0.8)
    bpy.ops.facewright.take_show(uid=first)
    assert curve_of(head, "jawOpen").evaluate(10) == pytest.approx(0.9)
    assert curve_of(head, "jawOpen").evaluate(20) != pytest.approx(0.8)
    bpy.ops.facewright.take_show(uid=second)
    assert curve_of(head, "jawOpen").evaluate(20) == pytest.approx(0.8)


def test_what_was_done_by_hand_stays_with_its_take_when_another_scene_bakes_over_it(head):
    say(head, "one"), say(head, "two", 101)
    hand_key(head, "jawOpen", 10.5, 0.9)
    scene = bpy.context.scene
    bpy.ops.scene.new(type="NEW")
    bpy.context.scene.collection.objects.link(head)
    say(head, "three")
    assert curve_of(head, "jawOpen").evaluate(10.5) != pytest.approx(0.9)
    takes.switch(scene, takes.of(scene).takes[0])
    assert curve_of(head, "jawOpen").evaluate(10.5) == pytest.approx(0.9)


def test_a_take_decides_on_its_own_frames_only(head):
    first = say(head, seed=1).uid
    say(head, "other", 101)
    hand_key(head, "jawOpen", 110, 0.9)
    hand_key(head, "jawOpen", 10, 0.7)
    say(head, seed=2)
    bpy.ops.facewright.take_show(uid=first)
    assert curve_of(head, "jawOpen").evaluate(110) == pytest.approx(0.9)
    assert curve_of(head, "jawOpen").evaluate(10) == pytest.approx(0.7)
    assert set(shown()) == {"hello 1", "other 1"}


def test_curves_that_no_bake_writes_go_on_through_every_take(make_head):
    head = make_head(keys=(*SMALL, "Fat"))
    first = say(head, seed=1).uid
    hand_key(head, "Fat", 7, 0.5)
    say(head, seed=2)
    hand_key(head, "Fat", 9, 0.25)
    bpy.ops.facewright.take_show(uid=first)
    assert table_of(head, "Fat")["co"].tolist() == [[7, 0.5], [9, 0.25]]


def test_the_animators_action_is_never_written(head):
    hand_key(head, "jawOpen", 3, 0.5)
    theirs = action_of(head)
    before = keys.read(curve_of(head, "jawOpen")).tobytes()
    say(head, seed=1)
    compat.assign(head.data.shape_keys, theirs)
    first = held().takes[0].uid
    bpy.ops.facewright.take_show(uid=first)
    bpy.ops.facewright.rebake(asked="TAKE")
    bpy.ops.facewright.take_delete("EXEC_DEFAULT")
    assert theirs.use_fake_user
    compat.assign(head.data.shape_keys, theirs)
    assert keys.read(curve_of(head, "jawOpen")).tobytes() == before


def test_a_copy_of_a_take_that_the_animator_made_is_theirs(head):
    say(head)
    copy = action_of(head).copy()
    copy.name = "mine"
    compat.assign(head.data.shape_keys, copy)
    before = keys.read(curve_of(head, "jawOpen")).tobytes()
    bpy.ops.facewright.rebake(asked="TAKE")
    assert action_of(head) != copy
    compat.assign(head.data.shape_keys, copy)
    assert keys.read(curve_of(head, "jawOpen")).tobytes() == before


def test_deleting_the_take_that_is_shown_shows_another(head):
    say(head, seed=1), say(head, seed=2)
    actions = len(bpy.data.actions)
    bpy.ops.facewright.take_delete("EXEC_DEFAULT")
    assert names() == shown() == ["hello 1"]
    assert len(bpy.data.actions) == actions - 1


def test_deleting_the_last_take_takes_its_keys_and_nothing_else(make_head):
    head = make_head(keys=(*SMALL, "Fat"))
    hand_key(head, "Fat", 7, 0.5)
    say(head)
    bpy.ops.facewright.take_delete("EXEC_DEFAULT")
    assert names() == []
    assert len(table_of(head, "jawOpen")) == 0
    assert table_of(head, "Fat")["co"].tolist() == [[7, 0.5]]
    assert len(held().memory) == 0
    assert {block.name: block.value for block in head.data.shape_keys.key_blocks[1:] if block.value} == {"Fat": 0.5}


def test_bones_are_baked_again_as_they_were_and_stand_as_before_when_the_take_is_gone(make_rig):
    armature = make_rig()
    rest = [tuple(bone.rotation_quaternion) for bone in armature.pose.bones]
    said = performance()
    turning = replace(said.settings, head=HeadSettings(nod_deg=9.0))
    curves = pipeline.perform(said.heard, turning)
    bake.write(bpy.context.scene, armature, replace(said, curves=curves, settings=turning))
    assert len(held().takes[0].parts) == 2
    before = dump()
    bpy.ops.facewright.rebake(asked="TAKE")
    assert dump() == before
    bpy.context.scene.frame_set(10)
    assert [tuple(bone.rotation_quaternion) for bone in armature.pose.bones] != rest
    bpy.ops.facewright.take_delete("EXEC_DEFAULT")
    np.testing.assert_allclose([tuple(bone.rotation_quaternion) for bone in armature.pose.bones], rest, atol=1e-6)


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "ZYX", "AXIS_ANGLE"])
def test_what_turns_stands_as_before_in_any_rotation_mode_when_the_take_is_gone(make_rig, mode):
    armature = make_rig(mode=mode)
    for bone in armature.pose.bones:
        bone.matrix_basis = Euler((0.3, -0.2, 0.1)).to_matrix().to_4x4()
    rest = [bone.matrix_basis.copy() for bone in armature.pose.bones]
    said = performance()
    turning = replace(said.settings, head=HeadSettings(nod_deg=9.0))
    bake.write(bpy.context.scene, armature, replace(said, curves=pipeline.perform(said.heard, turning)))
    bpy.context.scene.frame_set(10)
    bpy.ops.facewright.take_delete("EXEC_DEFAULT")
    np.testing.assert_allclose([bone.matrix_basis for bone in armature.pose.bones], rest, atol=1e-6)


def test_keys_that_a_take_took_the_place_of_come_back_when_it_is_deleted(head):
    for frame, value in ((1, 0.2), (20, 0.7), (60, 0.4)):
        hand_key(head, "browInnerUp", frame, value)
    before = table_of(head, "browInnerUp")["co"].copy()
    say(head, seed=1)
    say(head, "other", 101)
    held().index = 0
    bpy.ops.facewright.take_delete("EXEC_DEFAULT")
    after = table_of(head, "browInnerUp")["co"]
    np.testing.assert_allclose(after[after[:, 0] < 101], before)
    bpy.ops.facewright.take_delete("EXEC_DEFAULT")
    np.testing.assert_allclose(table_of(head, "browInnerUp")["co"], before)


def test_deleting_a_take_leaves_the_other_lines_of_the_head(head):
    say(head, seed=1)
    say(head, "other", 101)
    held().index = 0
    bpy.ops.facewright.take_delete("EXEC_DEFAULT")
    frames = table_of(head, "jawOpen")["co"][:, 0]
    assert frames.min() == 101
    assert shown() == ["other 1"]
    hand_key(head, "jawOpen", 110, 0.9)
    bpy.ops.facewright.rebake(asked="TAKE")
    assert curve_of(head, "jawOpen").evaluate(110) == pytest.approx(0.9)


def test_old_takes_go_when_there_are_too_many_but_never_one_that_matters(head):
    held().most = 3
    kept = say(head, seed=0)
    kept.is_kept = True
    say(head, seed=1)
    hand_key(head, "jawOpen", 10, 0.9)
    for seed in range(2, 6):
        say(head, seed=seed)
    assert bake.write(bpy.context.scene, head, performance(seed=6)).take == "hello 7"
    assert names() == ["hello 1", "hello 2", "hello 7"]
    assert len(bpy.data.actions) == 3


def test_a_line_of_the_same_name_elsewhere_is_neither_compared_nor_tidied_away(head):
    say(head, seed=0), say(head, seed=1), say(head, frame=101)
    with pytest.raises(RuntimeError, match="one take only"):
        bpy.ops.facewright.take_compare()
    bpy.ops.facewright.take_tidy()
    assert names() == ["hello 1", "hello 2", "hello 3"]
    held().most = 1
    say(head, frame=101, seed=1)
    assert names() == ["hello 1", "hello 2", "hello 4"]


def test_tidying_up_leaves_what_is_kept_shown_or_changed(head):
    say(head, seed=0).is_kept = True
    say(head, seed=1), say(head, seed=2)
    bpy.ops.facewright.take_tidy()
    assert names() == ["hello 1", "hello 3"]
    bpy.ops.facewright.take_tidy()
    assert jobs.board.result == "There is nothing to tidy away"


def test_tidying_up_leaves_the_takes_of_another_head_that_has_also_lost_a_mesh(make_head):
    for name in ("Anna", "Bob"):
        root = bpy.data.objects.new(f"{name} Root", None)
        bpy.context.scene.collection.objects.link(root)
        face, teeth = make_head(name, SMALL, root), make_head(f"{name} Teeth", ("jawOpen",), root)
        say(face, seed=0), say(face, seed=1)
        bpy.data.objects.remove(teeth)
    assert names() == ["hello 1", "hello 2", "hello 3", "hello 4"]
    bpy.ops.facewright.take_tidy(uid=held().takes[3].uid)
    assert names() == ["hello 1", "hello 2", "hello 4"]


def test_a_pushed_take_plays_from_the_nla(head):
    say(head)
    bpy.context.scene.frame_set(12)
    before = head.data.shape_keys.key_blocks["jawOpen"].value
    bpy.ops.facewright.take_push_nla()
    animation = head.data.shape_keys.animation_data
    assert animation.action is None
    (strip,) = animation.nla_tracks[0].strips
    assert (strip.name, strip.frame_start, strip.frame_end) == ("hello 1", 1, 48)
    bpy.context.scene.frame_set(1), bpy.context.scene.frame_set(12)
    assert head.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(before, abs=1e-6)
    assert held().takes[0].is_kept


def test_a_pushed_take_plays_beyond_the_range_that_was_set_for_the_animators_action(head):
    hand_key(head, "browInnerUp", 1, 0.5)
    action = action_of(head)
    action.use_frame_range, action.frame_start, action.frame_end = True, 1, 20
    say(head, frame=50)
    bpy.ops.facewright.take_push_nla()
    (strip,) = head.data.shape_keys.animation_data.nla_tracks[0].strips
    assert (strip.frame_start, strip.frame_end) == (1, 97)


def test_a_take_of_another_head_than_the_chosen_one_is_left_alone(make_head):
    anna, bob = make_head("Anna", SMALL), make_head("Bob", SMALL)
    say(anna, "first")
    say(bob, "second")
    assert held().takes[held().index].name == "second 1"
    bpy.context.view_layer.objects.active = anna
    before = dump()
    for operator in ("rebake", "take_delete", "take_push_nla", "take_duplicate"):
        with pytest.raises(RuntimeError, match="no take of 'Anna' is selected"):
            getattr(bpy.ops.facewright, operator)("EXEC_DEFAULT")
    assert dump() == before
    held().of_head = False  # the list shows every take: what is selected there is meant
    bpy.ops.facewright.take_delete("EXEC_DEFAULT")
    assert names() == ["first 1"]


def test_a_take_in_the_nla_keeps_its_action_when_it_is_deleted(head):
    say(head)
    action = action_of(head).name
    bpy.ops.facewright.take_push_nla()
    bpy.ops.facewright.take_delete("EXEC_DEFAULT")
    assert action in bpy.data.actions


@pytest.mark.parametrize("act", ["take_delete", "rebake", "hand"])
def test_what_becomes_of_a_take_that_is_shown_again_does_not_reach_its_strip(head, act):
    say(head, "one", 1), say(head, "two", 100)
    bpy.ops.facewright.take_push_nla()
    (strip,) = head.data.shape_keys.animation_data.nla_tracks[0].strips
    before = played(strip)
    bpy.ops.facewright.take_show()
    assert shown() == ["one 1", "two 1"]
    if act == "hand":
        hand_key(head, "jawOpen", 110, 0.9)
    else:
        getattr(bpy.ops.facewright, act)("EXEC_DEFAULT")
    assert played(strip) == before


@pytest.mark.parametrize("act", ["take_delete", "rebake"])
def test_an_action_that_moves_another_head_too_stays_as_it_is(head, make_head: Head, act):
    say(head)
    twin = make_head("Twin", keys=SMALL)
    twin.data.shape_keys.animation_data_create()
    compat.assign(twin.data.shape_keys, action_of(head))
    if compat.HAS_SLOTS:
        twin.data.shape_keys.animation_data.action_slot = head.data.shape_keys.animation_data.action_slot
    points = curve_of(head, "jawOpen").keyframe_points
    points.remove(points[10])  # baking again puts it back
    bpy.context.view_layer.objects.active = head
    before = table_of(twin, "jawOpen").tobytes()
    assert getattr(bpy.ops.facewright, act)("EXEC_DEFAULT") == {"FINISHED"}
    assert table_of(twin, "jawOpen").tobytes() == before


def test_of_a_heads_many_lines_a_bake_puts_away_only_what_has_changed(head, monkeypatch):
    for number in range(5):
        say(head, f"line{number}", 1 + 100 * number, seconds=1.0)
    put, splice = [], lines.splice
    monkeypatch.setattr(lines, "splice", lambda *given: put.append(given[-1].name) or splice(*given))
    say(head, "line5", 501, seconds=1.0)
    assert put == ["line3"]  # towards line4, which came after it, its last handles have changed
    hand_key(head, "jawOpen", 110, 0.9)
    say(head, "line6", 601, seconds=1.0)
    assert put == ["line3", "line1", "line4"]
    assert (table_of_action(held().takes[1], "jawOpen")["co"][:, 1] == np.float32(0.9)).any()


def test_takes_of_a_scene_that_was_copied_whole_are_apart_from_those_of_the_first(head):
    say(head, seed=1), say(head, seed=2)
    first = bpy.context.scene
    bpy.ops.scene.new(type="FULL_COPY")
    copy = bpy.context.scene
    for scene in (first, copy):
        takes.switch(scene, takes.of(scene).takes[0])
    assert action_of(copy.objects[0]) != action_of(head)
    before = table_of(copy.objects[0], "jawOpen").tobytes()
    hand_key(head, "jawOpen", 10, 0.9)
    assert table_of(copy.objects[0], "jawOpen").tobytes() == before


def test_what_was_done_by_hand_in_a_scene_that_was_copied_whole_stays_with_its_own_take(head):
    say(head, "one", 1), say(head, "two", 100)  # the keys of both are in the Action of the second
    first = bpy.context.scene
    bpy.ops.scene.new(type="FULL_COPY")
    copy, twin = bpy.context.scene, bpy.context.scene.objects[0]
    hand_key(twin, "jawOpen", 10, 0.9)
    bake.write(copy, twin, performance("one", 1, seed=5))
    hand_key(head, "jawOpen", 10, 0.7)
    bake.write(first, head, performance("one", 1, seed=6))
    for scene in (copy, first):
        takes.switch(scene, takes.of(scene).takes[0])
    assert curve_of(twin, "jawOpen").evaluate(10) == pytest.approx(0.9)
    assert curve_of(head, "jawOpen").evaluate(10) == pytest.approx(0.7)


@pytest.mark.parametrize("act", ["take_delete", "rebake"])
def test_an_action_that_is_shown_and_played_by_a_strip_at_once_stays_as_it_is(head, act):
    say(head)
    points = curve_of(head, "jawOpen").keyframe_points
    points.remove(points[10])  # baking again puts it back
    animation = head.data.shape_keys.animation_data
    strip = animation.nla_tracks.new().strips.new("theirs", 200, animation.action)
    before = played(strip)
    getattr(bpy.ops.facewright, act)("EXEC_DEFAULT")
    assert played(strip) == before


def test_a_head_whose_strip_is_being_tweaked_keeps_what_it_shows(head):
    pushed = say(head, seed=1).uid
    bpy.ops.facewright.take_push_nla()
    say(head, seed=2), say(head, "other", 100)
    animation = head.data.shape_keys.animation_data
    animation.nla_tracks.active = animation.nla_tracks[0]
    animation.nla_tracks[0].strips[0].select = True
    animation.use_tweak_mode = True
    before = dump()
    for operator, meant in (("show", {"uid": pushed}), ("compare", {"uid": pushed}), ("delete", {}), ("push_nla", {})):
        with pytest.raises(RuntimeError, match=r"^Error: 'Face' is in an NLA strip .*; leave tweak mode"):
            getattr(bpy.ops.facewright, f"take_{operator}")("EXEC_DEFAULT", **meant)
    assert dump() == before


def test_a_take_is_not_baked_again_while_a_strip_of_one_of_its_meshes_is_being_tweaked(make_head):
    root = bpy.data.objects.new("Root", None)
    bpy.context.scene.collection.objects.link(root)
    face, teeth = make_head("Face", SMALL, root), make_head("Teeth", ("jawOpen",), root)
    say(face)
    animation = teeth.data.shape_keys.animation_data
    animation.nla_tracks.new().strips.new("own", 1, animation.action.copy())
    animation.use_tweak_mode = True
    bpy.context.scene.render.fps = 48
    before = dump()
    with pytest.raises(RuntimeError, match=r"^Error: 'Teeth' is in an NLA strip .*; leave tweak mode"):
        bpy.ops.facewright.update_to_strip()
    bpy.context.scene.render.fps = 24
    with pytest.raises(RuntimeError, match=r"^Error: 'Teeth' is in an NLA strip .*; leave tweak mode"):
        bpy.ops.facewright.rebake()
    assert dump() == before


def played(strip: bpy.types.NlaStrip) -> list[bytes]:
    return [keys.read(curve).tobytes() for curve in compat.every_curve(strip.action)]


def test_a_head_that_is_gone_is_told(head):
    say(head)
    bpy.data.objects.remove(head)
    for operator in ("take_show", "take_duplicate", "rebake", "update_to_strip", "take_push_nla", "take_compare"):
        with pytest.raises(RuntimeError, match="head 'Face' of 'hello 1' is gone; delete the take"):
            getattr(bpy.ops.facewright, operator)()
    assert bpy.ops.facewright.take_delete("EXEC_DEFAULT") == {"FINISHED"}
    assert names() == []


def test_a_take_whose_action_was_deleted_is_baked_anew(head):
    say(head, seed=3)
    before = table_of(head, "eyeBlinkLeft")["co"].tolist()
    bpy.data.actions.remove(action_of(head))
    assert shown() == []
    assert bpy.ops.facewright.take_show() == {"FINISHED"}
    assert table_of(head, "eyeBlinkLeft")["co"].tolist() == before
    assert any("had been deleted" in note for note in jobs.board.notes)


@pytest.mark.skipif(not compat.HAS_SLOTS, reason="this Blender has an Action for each data-block")
def test_a_take_whose_actions_were_merged_goes_on_beside_others(make_head):
    rig = armature_with("head")
    face = make_head(keys=SMALL, parent=rig)
    say(face)
    hand_key(face, "jawOpen", 10.5, 0.9)
    for obj in (face, rig):
        obj.select_set(True)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.anim.merge_animation()
    assert action_of(face) == rig.animation_data.action
    bpy.ops.facewright.take_duplicate()
    assert shown() == ["hello 2"]
    bpy.ops.facewright.take_compare()
    assert shown() == ["hello 1"]
    assert curve_of(face, "jawOpen").evaluate(10.5) == pytest.approx(0.9)


def test_a_take_whose_action_was_renamed_is_still_that_take(head):
    first = say(head, seed=1)
    uid = first.uid
    action_of(head).name = "Anna says hello"
    say(head, seed=2)
    bpy.ops.facewright.take_show(uid=uid)
    assert action_of(head).name == "Anna says hello"


def test_a_take_is_shown_on_a_mesh_that_has_taken_the_place_of_another(head, make_head: Head):
    say(head)
    head.data = make_head("New", keys=SMALL).data
    assert shown() == []
    takes.switch(bpy.context.scene, held().takes[0])
    assert shown() == ["hello 1"]
    assert len(table_of(head, "jawOpen")) == 48


def test_objects_may_be_renamed(head):
    uid = say(head, seed=1).uid
    head.name = head.data.name = head.data.shape_keys.name = "Anna"
    say(head, seed=2)
    bpy.ops.facewright.take_show(uid=uid)
    assert shown() == ["hello 1"]


def test_a_damaged_memory_is_told(head):
    say(head)
    held().memory[0]["data"] = b"nothing of the kind"
    with pytest.raises(RuntimeError, match="what was kept is damaged"):
        bpy.ops.facewright.rebake(asked="TAKE")
    held().memory.clear()
    with pytest.raises(RuntimeError, match="is gone; animate the line again"):
        bpy.ops.facewright.take_duplicate()


def test_curves_that_nobody_listened_for_are_baked_again_as_they_were(head):
    said = performance()
    bake.write(bpy.context.scene, head, bake.Performance(said.line, said.curves, ()))
    before = dump()
    assert bpy.ops.facewright.rebake(asked="TAKE") == {"FINISHED"}
    assert dump() == before


def test_phrases_are_pose_markers_that_follow_their_line(head):
    say(head, frame=1)
    say(head, "other", 101)
    markers = [(marker.name, marker.frame) for marker in action_of(head).pose_markers]
    assert [name for name, _ in markers] == ["hello 1", "hello 2", "other 1", "other 2"]
    assert markers[0][1] == 1
    assert markers[1][1] == pytest.approx(25, abs=1)
    action_of(head).pose_markers.new("mine").frame = 5
    say(head, frame=11, seed=1)
    again = [(marker.name, marker.frame) for marker in action_of(head).pose_markers]
    assert ("mine", 5) in again
    assert sorted(name for name, _ in again) == ["hello 1", "hello 2", "mine", "other 1", "other 2"]


def test_markers_beside_a_line_go_on_through_every_take(head):
    first = say(head, seed=1).uid
    say(head, "other", 101)
    say(head, seed=2)
    action_of(head).pose_markers.new("mine").frame = 60
    action_of(head).pose_markers.new("of this take").frame = 5
    bpy.ops.facewright.take_show(uid=first)
    expected = ["hello 1", "hello 2", "mine", "other 1", "other 2"]
    assert sorted(marker.name for marker in action_of(head).pose_markers) == expected
    bpy.ops.facewright.take_delete("EXEC_DEFAULT", uid=held().takes[1].uid)
    assert sorted(marker.name for marker in action_of(head).pose_markers) == ["hello 1", "hello 2", "mine"]


def test_curves_stand_in_coloured_groups(head):
    say(head)
    group = curve_of(head, "jawOpen").group
    assert (group.name, group.color_set) == ("Jaw", "THEME02")
    assert curve_of(head, "browInnerUp").group.name == "Brows"
    assert curve_of(head, "jawOpen").color_mode == "CUSTOM"
    assert curve_of(head, "jawOpen").extrapolation == "CONSTANT"


def test_modifiers_and_extrapolation_of_the_animators_are_told(head):
    hand_key(head, "jawOpen", 3, 0.5)
    curve_of(head, "jawOpen").modifiers.new("NOISE")
    curve_of(head, "jawOpen").extrapolation = "LINEAR"
    notes = bake.write(bpy.context.scene, head, performance()).notes
    assert "jawOpen on Face: curve modifiers of yours go on acting on the new keys" in notes
    assert "jawOpen on Face: extrapolated, so not still before and after the line" in notes


def test_each_step_can_be_undone_and_done_again(head):
    bpy.ops.ed.undo_push(message="start")
    states = [dump()]
    steps = [
        lambda: (say(bpy.data.objects["Face"], seed=1), bpy.ops.ed.undo_push(message="bake")),
        lambda: bpy.ops.facewright.take_duplicate("EXEC_DEFAULT", True),
        lambda: bpy.ops.facewright.take_show("EXEC_DEFAULT", True, uid=held().takes[0].uid),
        lambda: bpy.ops.facewright.rebake("EXEC_DEFAULT", True, span="FRAMES", first=10, last=30, asked="TAKE"),
        lambda: bpy.ops.facewright.take_compare("EXEC_DEFAULT", True),
        lambda: bpy.ops.facewright.take_delete("EXEC_DEFAULT", True),
        lambda: bpy.ops.facewright.take_push_nla("EXEC_DEFAULT", True),
    ]
    for step in steps:
        step()
        states.append(dump())
    for before in reversed(states[:-1]):
        bpy.ops.ed.undo()
        assert dump() == before
    for after in states[1:]:
        bpy.ops.ed.redo()
        assert dump() == after


def test_a_take_survives_saving_and_loading(head, tmp_path):
    say(head, seed=1), say(head, seed=2)
    hand_key(head, "jawOpen", 10, 0.9)
    before = dump()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert dump() == before
    bpy.ops.facewright.rebake(asked="TAKE")
    assert curve_of(bpy.data.objects["Face"], "jawOpen").evaluate(10) == pytest.approx(0.9)


def test_hand_keys_of_a_take_are_counted(head):
    take = say(head)
    assert take_shelf.hand_keys(take) == 0
    hand_key(head, "jawOpen", 10, 0.9)
    hand_key(head, "jawOpen", 100, 0.9)
    assert take_shelf.hand_keys(take) == 1


def test_the_lines_of_an_action_can_be_read_by_name(head):
    take = say(head)
    assert lines.of(action_of(head)) == [lines.Line(take.uid, "hello", 1, 48)]
    assert lines.of(bpy.data.actions.new("theirs")) == []


def test_takes_that_are_not_shown_follow_when_keys_are_renamed(head):
    renamed = {name: f"{name}_new" for name in SMALL}
    for seed in (1, 2, 3):
        say(head, seed=seed)
    said = {take.uid: [table_of_action(take, name)["co"] for name in SMALL] for take in held().takes}
    for key in head.data.shape_keys.key_blocks[1:]:
        key.name = renamed[key.name]
    rebake.rebake(bpy.context.scene, held().takes[2], None, performance(seed=3).settings, memory.UNDIRECTED)
    for take in (held().takes[0], held().takes[1], held().takes[2], held().takes[0]):
        bpy.ops.facewright.take_show(uid=take.uid)
        assert sorted(curve.data_path for curve in compat.every_curve(action_of(head))) == sorted(
            f'key_blocks["{name}"].value' for name in renamed.values()
        )
        for name, was in zip(SMALL, said[take.uid], strict=True):
            np.testing.assert_allclose(table_of(head, renamed[name])["co"], was, atol=1e-5)
        assert set(keys.notes(action_of(head))) == {(f'key_blocks["{name}"].value', 0) for name in renamed.values()}


def test_a_take_without_its_sound_still_has_its_line(head):
    line, fps = takes.line_of(say(head))
    assert (line.name, line.frame, line.end_s, fps) == ("hello", 1, float("inf"), 24)
    assert isinstance(line, sound.Line)


@pytest.mark.skipif(not compat.HAS_SLOTS, reason="this Blender's Actions have no slots")
def test_keys_of_the_object_that_blender_puts_into_a_take_outlive_every_switch(head):
    say(head, seed=1)
    for frame, x in ((1, 0.0), (20, 5.0)):
        head.location.x = x
        head.keyframe_insert("location", frame=frame)
    assert head.animation_data.action == action_of(head)  # one Action, a slot for each
    say(head, seed=2)
    for take in (held().takes[0], held().takes[1], held().takes[0]):
        bpy.ops.facewright.take_show(uid=take.uid)
        bpy.context.scene.frame_set(20)
        assert head.location.x == 5.0
    bpy.ops.facewright.take_delete(uid=held().takes[0].uid)
    bpy.context.scene.frame_set(1)
    assert head.location.x == 0.0


@pytest.mark.skipif(not compat.HAS_SLOTS, reason="this Blender's Actions have no slots")
def test_showing_a_take_leaves_what_its_action_holds_for_others_that_do_not_play_it_now(head):
    say(head, seed=1)
    prop = bpy.data.objects.new("Prop", None)
    action = action_of(head)
    prop.animation_data_create().action = action
    prop.animation_data.action_slot = action.slots.new(id_type="OBJECT", name="Prop")
    prop.keyframe_insert("location", frame=5)
    say(head, seed=2)
    prop.animation_data.action = None
    takes.switch(bpy.context.scene, held().takes[0])
    assert action_of(head) == action
    assert len(compat.curves_at(action, "location")) == 3
    assert [slot.identifier for slot in held().takes[1].parts[0].action.slots] == ["KEKey"]  # which is a copy


def test_deleting_a_take_takes_its_keys_where_its_line_is_said_again_elsewhere(head):
    say(head, frame=1), say(head, frame=200)
    later = table_of(head, "jawOpen")["co"]
    later = later[later[:, 0] > 100]
    bpy.ops.facewright.take_delete(uid=held().takes[0].uid)
    np.testing.assert_array_equal(table_of(head, "jawOpen")["co"], later)
    assert [(line.first, line.last) for line in lines.of(action_of(head))] == [(200, 247)]


@pytest.mark.parametrize("renamed", [True, False])
def test_a_take_can_be_deleted_after_a_key_is_gone(head, renamed):
    say(head)
    key = head.data.shape_keys.key_blocks["tongueOut"]
    if renamed:
        key.name = "Tongue"
    else:
        head.shape_key_remove(key)
    assert bpy.ops.facewright.take_delete() == {"FINISHED"}
    assert not names()
    assert all(key.value == 0 for key in head.data.shape_keys.key_blocks[1:])


def test_properties_of_bones_are_at_nought_when_their_take_is_gone(make_rig):
    rig = make_rig(keys=())
    bone = rig.pose.bones["spine"]
    for name in SMALL:
        bone[name] = 0.0
    bake.write(bpy.context.scene, rig, performance())
    bpy.context.scene.frame_set(12)
    assert bone["jawOpen"] > 0.1
    assert bpy.ops.facewright.take_delete() == {"FINISHED"}
    assert [bone[name] for name in SMALL] == [0.0] * len(SMALL)


def test_a_pushed_line_shows_beside_another_take_that_is_shown_again(head):
    say(head, "one", 1), say(head, "two", 200)
    before = [table_of(head, "jawOpen")["co"][48 + row].tolist() for row in (5, 10, 15)]
    bpy.ops.facewright.take_push_nla()
    bpy.ops.facewright.take_show(uid=held().takes[0].uid)
    assert shown() == ["one 1"]
    for frame, value in before:
        bpy.context.scene.frame_set(round(frame))
        assert head.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(value, abs=1e-6)


def test_a_pushed_line_shows_beside_the_next_one(head):
    say(head, "one", 1)
    before = [table_of(head, "jawOpen")["co"][frame, 1] for frame in (5, 10, 15)]
    bpy.ops.facewright.take_push_nla()
    say(head, "two", 200)
    block = head.data.shape_keys
    for frame, value in zip((6, 11, 16), before, strict=True):
        bpy.context.scene.frame_set(frame)
        assert block.key_blocks["jawOpen"].value == pytest.approx(value, abs=1e-6)


def test_a_line_of_another_name_that_gives_way_is_told(head):
    say(head, "one", 1), say(head, "two", 100)
    assert bake.write(bpy.context.scene, head, performance("one", 1, seed=2)).notes == ()
    (note,) = bake.write(bpy.context.scene, head, performance("three", 40)).notes
    assert note == "'one' was on some of these frames, and is no longer shown"


def test_takes_whose_names_are_cut_off_in_the_list_are_told_apart_by_their_numbers(head):
    say(head), say(head)
    take = held().takes[1]
    assert [take_panel.told_beside(take, letters) for letters in (20, 10, 6)] == ["seed 0", "", "2"]


def frames_of(action: bpy.types.Action) -> set[int]:
    return {round(float(frame)) for curve in compat.every_curve(action) for frame in keys.read(curve)["co"][:, 0]}


def test_a_take_that_is_not_shown_holds_its_own_line_alone(head):
    for number in range(4):
        say(head, f"line{number}", 1 + 100 * number, seconds=1.0)
    before = [table_of(head, name)["co"].tolist() for name in SMALL]
    *idle, last = held().takes
    for take in idle:
        (part,) = take.parts
        assert lines.of(part.action) == [takes.own_line(take)]
        assert frames_of(part.action) <= set(range(take.first, take.last + 1))
        assert set(keys.notes(part.action)) == set(keys.notes(action_of(head)))
    assert len(lines.of(action_of(head))) == 4
    takes.switch(bpy.context.scene, idle[1])  # which is shown in the last one's Action: all of it is brought along
    assert [table_of(head, name)["co"].tolist() for name in SMALL] == before
    assert lines.of(last.parts[0].action) == [takes.own_line(last)]


def test_a_head_whose_action_was_taken_off_by_hand_shows_all_of_it_again_with_any_take(head):
    for number in range(3):
        say(head, f"line{number}", 1 + 60 * number, seconds=1.0)
    hand_key(head, "jawOpen", 10.5, 0.9)  # on the first line
    hand_key(head, "jawOpen", 57, 0.8)  # on none
    head.data.shape_keys.animation_data.action = None
    for number in (1, 2, 0):
        takes.switch(bpy.context.scene, held().takes[number])
        assert shown() == ["line0 1", "line1 1", "line2 1"]
        assert [curve_of(head, "jawOpen").evaluate(frame) for frame in (10.5, 57)] == pytest.approx([0.9, 0.8])
    head.data.shape_keys.animation_data.action = None
    takes.switch(bpy.context.scene, held().takes[0])
    assert shown() == ["line0 1", "line1 1", "line2 1"]


def test_what_lies_beside_a_line_that_is_put_away_stays_with_it(make_head):
    head = make_head(keys=(*SMALL, "Fat"))
    say(head, "one", 1)
    hand_key(head, "jawOpen", 60, 0.3)  # on no line's frames
    hand_key(head, "Fat", 110, 0.5)  # on a curve that no bake has written
    curve_of(head, "Fat").modifiers.new("NOISE")
    say(head, "two", 101)
    say(head, "three", 201)
    action = held().takes[1].parts[0].action
    assert {1, 60, 110} & frames_of(action) == {60, 110}
    (fat,) = [curve for curve in compat.every_curve(action) if "Fat" in curve.data_path]
    assert len(fat.modifiers) == 1


@pytest.mark.parametrize("holder", ["animator", "strip", "object"])
def test_an_action_that_anything_else_holds_stays_whole_when_its_take_is_put_away(head, make_head: Head, holder):
    say(head, "one", 1), say(head, "two", 101)
    action = action_of(head)
    if holder == "animator":
        action.use_fake_user = True
    elif holder == "strip":
        head.data.shape_keys.animation_data.nla_tracks.new().strips.new("theirs", 1, action)
    else:
        twin = make_head("Twin", keys=SMALL)
        compat.assign(twin.data.shape_keys, action)
        bpy.context.view_layer.objects.active = head
    before = [keys.read(curve).tobytes() for curve in compat.every_curve(action)]
    say(head, "two", 101, seed=1)
    assert action_of(head) != action
    assert [keys.read(curve).tobytes() for curve in compat.every_curve(action)] == before


def test_takes_of_a_file_that_kept_all_lines_in_each_are_shown_as_they_were_left(head, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr(take_parts, "shelve", lambda *_given: None)  # as it was
        say(head, "one", 1), say(head, "two", 101)
        hand_key(head, "jawOpen", 110.5, 0.9)
        say(head, "three", 201)
        hand_key(head, "jawOpen", 10.5, 0.8)
        say(head, "three", 201, seed=1)
    assert [len(lines.of(take.parts[0].action)) for take in held().takes] == [1, 2, 3, 3]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    head = bpy.data.objects["Face"]
    for number in (2, 0, 3, 1):
        takes.switch(bpy.context.scene, held().takes[number])
        assert [curve_of(head, "jawOpen").evaluate(frame) for frame in (10.5, 110.5)] == pytest.approx([0.8, 0.9])
        assert len(lines.of(action_of(head))) == 3
    assert [len(lines.of(take.parts[0].action)) for take in held().takes] == [1, 3, 1, 1]
