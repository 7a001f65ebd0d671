"""The button: what it takes, what it refuses without a trace, and what one undo takes back."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest
import soundfile

from addon.blender.base import compat, jobs, preferences, waiting
from addon.blender.direction import directing, properties
from addon.blender.sidebar import animate_all
from addon.blender.takes import bake
from addon.core.errors import FacewrightError
from addon.core.settings import ModelSettings, Settings

from .conftest import Head, keys_on, needs_audio, state


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """The preferences name the tiny model."""
    monkeypatch.setattr(preferences, "model_settings", lambda _context: settings.model)


def animate(**arguments: object) -> set[str]:
    return bpy.ops.facewright.animate("EXEC_DEFAULT", **arguments)


def refused(**arguments: object) -> str:
    """Why it was refused; the scene is as it was before."""
    before = state()
    with pytest.raises(RuntimeError) as caught:
        animate(**arguments)
    assert state() == before
    reason = jobs.board.error
    assert reason in str(caught.value)
    assert "\n" not in reason
    return reason


def test_the_panels_choices_are_what_is_baked(head, line: Path):
    chosen = properties.choices_of(bpy.context.scene)
    chosen.sound, chosen.frame_start, chosen.layers.articulation.jaw = str(line), 7, 0.5
    assert animate() == {"FINISHED"}
    keys = keys_on(head, "jawOpen")
    assert keys[0, 0] == 7
    assert keys[:, 1].max() == pytest.approx(0.16, abs=0.02)
    assert jobs.board.result == "Baked 48 frames of 52 keys on 1 mesh; hello there is at frame 7"


def test_the_operators_own_choices_come_first(make_head: Head, line: Path):
    head = make_head("Hero")
    make_head("Other")
    assert animate(sound=str(line), head="Hero", frame_start=3) == {"FINISHED"}
    assert keys_on(head, "jawOpen")[0, 0] == 3
    assert bpy.data.objects["Other"].data.shape_keys.animation_data is None


def test_one_undo_takes_it_all_back(head, line: Path):
    bpy.ops.ed.undo_push(message="before")
    before = state()
    assert bpy.ops.facewright.animate("EXEC_DEFAULT", True, sound=str(line)) == {"FINISHED"}
    assert state() != before
    bpy.ops.ed.undo()
    assert state() == before


def test_a_refusal_writes_nothing(head, line: Path, tmp_path: Path):
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "nothing.wav", [], 16_000)
    (tmp_path / "text.wav").write_text("not a sound")
    assert "no sound is chosen" in refused()
    assert "does not exist" in refused(sound=str(tmp_path / "gone.wav"))
    assert "is empty (0 bytes)" in refused(sound=str(tmp_path / "empty.wav"))
    assert "0 seconds long" in refused(sound=str(tmp_path / "nothing.wav"))
    assert "no sound that can be decoded" in refused(sound=str(tmp_path / "text.wav"))
    assert "is a folder" in refused(sound=str(tmp_path)) or "does not exist" in jobs.board.error
    assert "no sound strip" in refused(strip="line")
    assert "'Nobody'" in refused(sound=str(line), head="Nobody")


def test_a_head_that_would_not_move_is_refused(make_head: Head, line: Path):
    make_head(keys=())
    assert "has no shape keys" in refused(sound=str(line))


def test_a_model_that_is_missing_is_refused(
    head, line: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    gone = replace(settings.model, path=str(tmp_path / "gone.onnx"))
    monkeypatch.setattr(preferences, "model_settings", lambda _context: gone)
    assert "gone.onnx' does not exist" in refused(sound=str(line))


def test_a_success_clears_the_last_error(head, line: Path):
    refused()
    animate(sound=str(line))
    assert jobs.board.error == ""


def test_an_error_goes_when_another_sound_is_chosen(head, line: Path, scene):
    assert "no sound is chosen" in refused()
    properties.choices_of(scene).sound = str(line)
    assert jobs.board.error == ""


def test_a_second_bake_cannot_start_while_one_runs(head, line: Path):
    jobs.board.job = jobs.Job(lambda _progress: None)
    try:
        assert not bpy.ops.facewright.animate.poll()
        assert bpy.ops.facewright.cancel() == {"FINISHED"}
    finally:
        jobs.board.show()
    assert not bpy.ops.facewright.cancel.poll()


@needs_audio
def test_a_frame_rate_that_changes_while_lines_are_heard_is_told_and_nothing_is_written(
    head, line: Path, scene, monkeypatch: pytest.MonkeyPatch
):
    pair = animate_all.pairs_of(scene).pairs.add()
    pair.head, pair.strip = head, compat.strips(scene).new_sound("hello", str(line), channel=1, frame_start=1).name
    perform = directing.perform

    def and_meanwhile(*given: object) -> bake.Performance:
        scene.render.fps = 48
        return perform(*given)

    monkeypatch.setattr(directing, "perform", and_meanwhile)
    before = state()
    with pytest.raises(RuntimeError, match="went from 24 to 48 frames a second meanwhile; nothing was written"):
        bpy.ops.facewright.animate_all()
    assert state() == before
    assert bpy.ops.facewright.animate_all() == {"FINISHED"}


def test_a_scene_that_was_renamed_or_deleted_while_a_line_is_heard_is_told(scene):
    waiter = waiting.Waiting()
    waiter.finish = lambda _context, _result: waiter.scene_waited_for()
    with pytest.raises(FacewrightError, match="^scene 'Scene' is gone; nothing was written$"):
        waiter.wait(bpy.context, lambda _progress: setattr(scene, "name", "Shot"))


def test_the_key_that_stops_is_esc_pressed_and_not_one_let_go_that_closed_a_menu():
    waiter = waiting.Waiting()
    waiter._job = jobs.Job(lambda progress: [progress(0.0) or time.sleep(0.01) for _ in range(1000)])
    assert waiter.modal(bpy.context, SimpleNamespace(type="ESC", value="RELEASE")) == {"PASS_THROUGH"}
    time.sleep(0.05)
    assert not waiter._job.is_done
    assert waiter.modal(bpy.context, SimpleNamespace(type="ESC", value="PRESS")) == {"RUNNING_MODAL"}
    waiter._job.join()
    assert waiter._job.was_cancelled


def test_the_window_says_that_a_line_was_heard_before_it_stands_still_for_the_keys():
    waiter, said = waiting.Waiting(), []
    waiter._job = jobs.Job(lambda _progress: None)
    waiter._job.join()
    waiting._timers.append(bpy.context.window_manager.event_timer_add(9.0, window=bpy.context.window))
    waiter.finish = lambda _context, _result: said.append("written") or {"FINISHED"}
    timer = SimpleNamespace(type="TIMER", value="NOTHING")
    assert (waiter.modal(bpy.context, timer), said) == ({"PASS_THROUGH"}, [])
    assert waiter._job.told == "Heard; what follows takes a moment"
    assert (waiter.modal(bpy.context, timer), said) == ({"FINISHED"}, ["written"])
    assert not waiting._timers


def test_an_extension_that_is_disabled_while_it_listens_leaves_neither_work_nor_a_timer_behind():
    job = jobs.board.job = jobs.Job(lambda progress: [progress(0.0) or time.sleep(0.01) for _ in range(1000)])
    waiting._timers.append(bpy.context.window_manager.event_timer_add(9.0, window=bpy.context.window))
    waiting.stop(bpy.context)
    job.join()
    assert job.was_cancelled
    assert jobs.board.job is None
    assert not waiting._timers


def test_the_preferences_say_that_the_runtime_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    text, icon = preferences._device_line.__wrapped__("auto")
    assert icon == "ERROR"
    assert "onnxruntime cannot be loaded" in text


def test_defaults_stand_in_where_there_are_no_preferences(scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    assert preferences.model_settings(bpy.context) == ModelSettings()


def test_the_preferences_choose_between_the_models_that_come_along_and_a_file_of_ones_own(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.undo()

    def chosen(model: str, use_fast: bool) -> str:
        own = SimpleNamespace(model=model, use_fast=use_fast, device="cpu", threads=2)
        addons = {preferences.FACEWRIGHT_AP_preferences.bl_idname: SimpleNamespace(preferences=own)}
        return preferences.model_settings(SimpleNamespace(preferences=SimpleNamespace(addons=addons))).path

    assert [chosen("", False), chosen("", True), chosen("/mine.onnx", True)] == ["", "fast", "/mine.onnx"]


def test_whoever_searches_the_menus_finds_the_button_by_the_extensions_name_and_by_what_it_does():
    named = bpy.ops.facewright.animate.get_rna_type().name.lower()
    assert "facewright" in named
    assert "speech" in named


def test_every_choice_explains_itself():
    kinds = (properties.FACEWRIGHT_PG_choices.bl_rna, preferences.FACEWRIGHT_AP_preferences.bl_rna)
    operator = bpy.ops.facewright.animate.get_rna_type()
    for kind in (*kinds, operator):
        own = [
            item
            for item in kind.properties
            if item.identifier not in kind.base.properties and item.identifier != "rna_type"
        ]
        assert len(own) > 2
        assert all(item.description for item in own)


def test_the_panels_amounts_are_the_cores_settings(scene):
    chosen = properties.choices_of(scene)
    assert properties.settings_of(scene, ModelSettings()) == Settings()
    layers = chosen.layers
    layers.articulation.lips, layers.brows.amount, layers.blink.amount = 1.5, 0.5, 0.0
    layers.gaze.amount, chosen.seed = 0.25, 7
    chosen = properties.settings_of(scene, ModelSettings())
    assert (chosen.articulation.lips, chosen.brows.amount, chosen.blink.amount) == (1.5, 0.5, 0.0)
    assert (chosen.gaze.amount, chosen.seed) == (0.25, 7)


def test_a_head_that_was_deleted_is_no_longer_chosen(make_head: Head):
    chosen, other = make_head("Hero"), make_head("Other")
    properties.choices_of(bpy.context.scene).head = chosen
    assert properties.head_of(bpy.context) == chosen
    bpy.context.scene.collection.objects.unlink(chosen)
    assert properties.head_of(bpy.context) == other


def test_a_linked_head_stays_chosen_beside_a_local_one_of_its_name(make_head: Head, tmp_path: Path):
    local = make_head("Hero")
    bpy.data.libraries.write(str(tmp_path / "hero.blend"), {local}, fake_user=True)
    with bpy.data.libraries.load(str(tmp_path / "hero.blend"), link=True) as (_there, here):
        here.objects = ["Hero"]
    linked = here.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    properties.choices_of(bpy.context.scene).head = linked
    assert properties.head_of(bpy.context) == linked


def test_a_head_of_another_scene_is_refused_and_not_swapped_for_the_active_object(head, line: Path):
    elsewhere = bpy.data.objects.new("Elsewhere", head.data.copy())
    bpy.data.scenes.new("Other").collection.objects.link(elsewhere)
    chosen = properties.choices_of(bpy.context.scene)
    chosen.sound, chosen.head = str(line), elsewhere
    assert refused() == "'Elsewhere' is not in scene 'Scene'; choose a head that is there"
