"""Live preview: it follows every change, never keys, never eats a key, and leaves no trace."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from addon.blender.base import compat, hearing, jobs, preferences
from addon.blender.direction import preview, properties
from addon.blender.fcurves.preview_overlay import MARK
from addon.blender.head import mapping_rows
from addon.core.rigs.custom import build
from addon.core.settings import Settings

from .conftest import Head, action_of, keys_on, needs_audio, state, write_line


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, settings: Settings):
    """The preferences name the tiny model; no preview outlives a test."""
    monkeypatch.setattr(preferences, "model_settings", lambda _context: settings.model)
    yield
    preview.leave()


@pytest.fixture
def choices(head, line: Path, scene):
    """Two seconds of speech from frame 1 on, on a face with all keys at rest."""
    for key in head.data.shape_keys.key_blocks[1:]:
        key.value = 0.0
    choices = properties.choices_of(scene)
    choices.sound = str(line)
    return choices


def jaw(frame: int | None = None) -> float:
    if frame is not None:
        bpy.context.scene.frame_set(frame)
    return bpy.data.objects["Face"].data.shape_keys.key_blocks["jawOpen"].value


def values() -> dict[str, float]:
    return {key.name: key.value for key in bpy.data.objects["Face"].data.shape_keys.key_blocks[1:]}


def test_the_preview_shows_the_line_and_keys_nothing(choices, scene):
    before = state()
    assert bpy.ops.facewright.preview() == {"FINISHED"}
    assert jaw(24) > 0.2
    assert jaw(2) == pytest.approx(0, abs=1e-3)
    scene.frame_set(1)
    assert state() == before


def test_a_slider_that_moves_is_followed_without_the_model(choices, scene, monkeypatch: pytest.MonkeyPatch):
    bpy.ops.facewright.preview()
    monkeypatch.setattr(hearing, "listen", lambda *_: pytest.fail("listened again"))
    usual = jaw(24)
    choices.layers.articulation.jaw = 0.5
    assert preview.update()
    assert jaw() == pytest.approx(usual / 2, abs=0.02)
    assert not preview.update()


def test_a_second_preview_of_a_line_needs_no_listening(choices, monkeypatch: pytest.MonkeyPatch):
    bpy.ops.facewright.preview()
    bpy.ops.facewright.preview_leave()
    monkeypatch.setattr(hearing, "listen", lambda *_: pytest.fail("listened again"))
    assert bpy.ops.facewright.preview() == {"FINISHED"}


def test_a_take_in_an_opened_file_is_not_heard_again(
    choices, line: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bpy.ops.facewright.animate("EXEC_DEFAULT")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    hearing.forget()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.context.view_layer.objects.active = bpy.data.objects["Face"]
    listened: list[float] = []
    listen = hearing.pipeline.listen
    monkeypatch.setattr(hearing.pipeline, "listen", lambda *given: listened.append(1.0) or listen(*given))
    assert bpy.ops.facewright.preview() == {"FINISHED"}
    assert listened == []
    bpy.ops.facewright.preview_leave()
    write_line(line, 3.0)
    assert bpy.ops.facewright.preview() == {"FINISHED"}
    assert listened == [1.0]


@needs_audio
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_take_of_a_trimmed_strip_is_not_heard_again_either(
    choices, line: Path, scene, monkeypatch: pytest.MonkeyPatch
):
    strip = compat.strips(scene).new_sound("line", str(line), 1, 1)
    strip.frame_final_start = 8  # 7/24 s, which single precision cannot hold
    choices.source, choices.strip = "STRIP", "line"
    bpy.ops.facewright.animate("EXEC_DEFAULT")
    hearing.forget()
    monkeypatch.setattr(hearing.pipeline, "listen", lambda *_: pytest.fail("listened again"))
    assert bpy.ops.facewright.preview() == {"FINISHED"}


def test_markers_keyed_emotions_and_the_frame_rate_are_followed_too(choices, scene):
    bpy.ops.facewright.preview()
    for change in (
        lambda: scene.timeline_markers.new("joy", frame=12),
        lambda: setattr(scene.timeline_markers[0], "frame", 20),
        lambda: choices.layers.emotion.keyframe_insert("anger", frame=3),
        lambda: setattr(scene.render, "fps", 30),
        lambda: setattr(choices, "seed", 5),
    ):
        change()
        assert preview.update()
        assert not preview.update()


def test_leaving_leaves_no_trace(choices, scene):
    before, frame = (values(), state()), 24
    scene.frame_set(frame)
    bpy.ops.facewright.preview()
    assert values() != before[0]
    bpy.ops.facewright.preview_leave()
    assert values() == before[0]
    scene.frame_set(1)
    assert state() == before[1]
    assert [block for block in bpy.data.shape_keys if MARK in block] == []


def test_hand_keys_survive_a_preview(choices, head, scene):
    for frame, height in ((1, 0.125), (48, 0.875)):
        head.data.shape_keys.key_blocks["jawOpen"].value = height
        head.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", frame=frame)
    before, action = keys_on(head, "jawOpen").copy(), action_of(head)
    scene.frame_set(24)
    below = jaw()
    bpy.ops.facewright.preview()
    assert jaw(25) != below
    assert jaw(24) != below
    bpy.ops.facewright.preview_leave()
    assert jaw() == below
    assert action_of(head) == action
    assert np.array_equal(keys_on(head, "jawOpen"), before)


def test_applying_writes_what_animate_writes_and_is_one_undo_step(choices, head, scene):
    choices.layers.articulation.jaw = 0.75
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.facewright.preview()
    before = state()
    scene.frame_set(24)
    shown = jaw()
    scene.frame_set(1)
    assert bpy.ops.facewright.preview_apply("EXEC_DEFAULT", True) == {"FINISHED"}
    assert preview.current() is None
    applied = keys_on(bpy.data.objects["Face"], "jawOpen").copy()
    assert applied[23, 1] == pytest.approx(shown, abs=1e-6)
    bpy.ops.ed.undo()
    assert state() == before
    assert set(values().values()) == {0.0}
    bpy.ops.facewright.animate("EXEC_DEFAULT")
    assert np.array_equal(keys_on(bpy.data.objects["Face"], "jawOpen"), applied)


def test_undo_within_a_preview_takes_back_the_slider_and_the_preview_goes_on(choices, scene):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.facewright.preview()
    usual = jaw(24)
    bpy.ops.ed.undo_push(message="look")
    choices.layers.articulation.jaw = 0.5
    preview.update()
    bpy.ops.ed.undo_push(message="a slider")
    bpy.ops.ed.undo()
    assert properties.choices_of(bpy.context.scene).layers.articulation.jaw == 1
    assert jaw(24) == pytest.approx(usual)
    bpy.ops.ed.redo()
    assert jaw(24) == pytest.approx(usual / 2, abs=0.02)
    bpy.ops.facewright.preview_leave()
    assert set(values().values()) == {0.0}


def test_undo_to_before_a_preview_that_was_left_finds_the_head_as_it_was(choices, scene):
    scene.frame_set(24)
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.facewright.preview()
    choices.seed = 3
    bpy.ops.ed.undo_push(message="a slider, with the preview on")
    bpy.ops.facewright.preview_leave()
    bpy.ops.ed.undo_push(message="something else")
    for _ in range(2):
        bpy.ops.ed.undo()
        assert set(values().values()) == {0.0}


def test_a_file_saved_within_a_preview_does_not_hold_it(choices, scene, tmp_path: Path):
    scene.frame_set(24)
    bpy.ops.facewright.preview()
    shown = jaw()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"), copy=True)
    assert jaw() == shown
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    assert preview.current() is None
    assert set(values().values()) == {0.0}


def test_a_head_that_is_deleted_ends_the_preview(choices, head):
    bpy.ops.facewright.preview()
    bpy.data.objects.remove(head)
    choices.seed = 9
    preview.update()
    assert preview.current() is None


def test_what_is_renamed_within_a_preview_is_as_before_when_it_ends(choices, head, scene):
    scene.frame_set(24)
    before = values()
    bpy.ops.facewright.preview()
    head.data.shape_keys.name = "Renamed"
    scene.frame_set(25)
    preview.update()
    preview.leave()
    assert values() == before
    assert MARK not in head.data.shape_keys


def test_a_target_inside_the_head_is_told_and_the_preview_goes_on(choices, head, scene):
    bpy.ops.facewright.preview()
    target = bpy.data.objects.new("Target", None)
    scene.collection.objects.link(target)
    target.location = (0.5, 0.5, 0)
    choices.look_at = target
    preview.update()
    assert "is inside the head" in preview.current().error
    target.location = (0, -100, 0)
    bpy.context.view_layer.update()
    preview.update()
    assert preview.current().error == ""


def test_a_track_that_is_misspelt_is_told_and_the_preview_goes_on(choices):
    bpy.ops.facewright.preview()
    choices.layers.emotion.track = "0 joyy"
    assert preview.update()
    assert "did you mean joy?" in preview.current().error
    assert not preview.update()
    choices.layers.emotion.track = "0 joy"
    assert preview.update()
    assert preview.current().error == ""


def test_what_cannot_be_shown_is_refused(choices, make_head: Head, tmp_path: Path):
    choices.sound = str(tmp_path / "gone.wav")
    with pytest.raises(RuntimeError, match="does not exist"):
        bpy.ops.facewright.preview()
    assert "does not exist" in jobs.board.error
    make_head("Blank", keys=())
    with pytest.raises(RuntimeError):
        bpy.ops.facewright.preview()
    assert preview.current() is None


def test_apply_and_leave_need_a_preview(choices):
    assert not bpy.ops.facewright.preview_apply.poll()
    assert not bpy.ops.facewright.preview_leave.poll()
    bpy.ops.facewright.preview()
    assert not bpy.ops.facewright.preview.poll()


def test_hundreds_of_frames_back_and_forth_leave_no_trace(choices, scene):
    before = values()
    bpy.ops.facewright.preview()
    for frame in np.random.default_rng(0).integers(-10, 70, 200):
        scene.frame_set(int(frame))
    bpy.ops.facewright.preview_leave()
    assert values() == before


def test_what_was_chosen_in_rig_and_mapping_is_followed_too(choices, head):
    bpy.ops.facewright.preview()
    usual = jaw(24)
    mapping_rows.write(
        head, build("a test", [{"channel": "jawOpen", "key": "jawOpen", "gain": 0.5}], False, "relative")
    )
    assert preview.update()
    assert jaw(24) == pytest.approx(usual / 2, abs=1e-3)
    bpy.ops.facewright.preview_apply()
    assert jaw(24) == pytest.approx(usual / 2, abs=1e-3)


@pytest.mark.parametrize("chosen", ["frame_start", "sound", "head"])
def test_another_line_place_or_head_ends_the_preview(choices, make_head: Head, chosen):
    bpy.ops.facewright.preview()
    setattr(choices, chosen, {"frame_start": 50, "sound": "//other.wav", "head": make_head("Other")}[chosen])
    assert not preview.update()
    assert preview.current() is None
    assert "another line, place or head" in jobs.board.notes[0]
    assert jaw(24) == 0


def test_what_reads_or_writes_keys_leaves_the_preview_first(choices, scene, tmp_path: Path):
    bpy.ops.facewright.animate("EXEC_DEFAULT")
    for act in (
        lambda: bpy.ops.facewright.take_duplicate(),
        lambda: bpy.ops.facewright.rebake(),
        lambda: bpy.ops.facewright.export_curves(filepath=str(tmp_path / "out.csv")),
        lambda: bpy.ops.facewright.import_take(filepath=str(tmp_path / "out.csv")),
    ):
        bpy.ops.facewright.preview()
        assert act() == {"FINISHED"}
        assert preview.current() is None
