"""Presets: applied, saved, deleted, and in the command line's own language."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import pytest

from addon.blender.direction import layer_properties, presets, properties
from addon.core import settings as core_settings
from addon.core.presets import FOLDER_VARIABLE
from addon.core.settings import ModelSettings, Settings


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The animator's own presets, none yet."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "presets"))
    return tmp_path / "presets"


def chosen() -> Settings:
    return properties.settings_of(bpy.context.scene, ModelSettings())


def test_what_is_saved_is_what_is_applied_and_what_the_command_line_reads(scene, folder: Path):
    choices = properties.choices_of(scene)
    choices.layers.blink.per_minute, choices.layers.emotion.joy, choices.layers.gaze.seed, choices.seed = 33, 0.4, 12, 5
    before = chosen()
    assert bpy.ops.facewright.preset_save(name="Nervous", about="Blinks a lot") == {"FINISHED"}
    saved = folder / "Nervous.toml"
    assert (
        saved.read_text()
        == "# Blinks a lot\n\n[emotion]\njoy = 0.4\n\n[gaze]\nseed = 12\n\n[blink]\nper_minute = 33.0\n"
    )
    assert core_settings.load(saved, Settings(seed=5)) == before
    layer_properties.write(choices.layers, Settings())
    choices.layers.head.amount, choices.seed = 0.5, 8
    assert bpy.ops.facewright.preset_apply(path=str(saved)) == {"FINISHED"}
    assert chosen() == replace(before, seed=8)


def test_every_preset_of_ours_can_be_applied(scene):
    for preset in presets.every():
        assert not presets.is_own(preset)
        assert preset.about
        assert bpy.ops.facewright.preset_apply(path=str(preset.path)) == {"FINISHED"}
        assert chosen() == core_settings.load(preset.path)


def test_one_undo_takes_a_preset_back(scene, folder: Path):
    folder.mkdir()
    (folder / "Wide.toml").write_text("[articulation]\njaw = 1.5\n")
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.facewright.preset_apply("EXEC_DEFAULT", True, path=str(folder / "Wide.toml"))
    assert chosen().articulation.jaw == 1.5
    bpy.ops.ed.undo()
    assert chosen() == Settings()


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[blink]\nper_minit = 3", "unknown setting 'blink.per_minit'"), ("[blink]\nper_minute = nan", "must be a number"),
     ("[gaze]\nspread_deg = 300", "must be 0 to 30"), ("no toml", "cannot be read"), ("[head]\nseed = 0.5", "whole")],
)  # fmt: skip
def test_a_preset_that_is_wrong_changes_nothing_and_says_why(scene, folder: Path, text: str, reason: str):
    folder.mkdir()
    (folder / "bad.toml").write_text(text)
    properties.choices_of(scene).layers.brows.amount = 0.5
    before = chosen()
    with pytest.raises(RuntimeError, match=reason):
        bpy.ops.facewright.preset_apply(path=str(folder / "bad.toml"))
    assert chosen() == before


def test_a_name_of_ours_is_not_taken(scene, folder: Path):
    with pytest.raises(RuntimeError, match="one of Facewright's own presets"):
        bpy.ops.facewright.preset_save(name=presets.every()[0].name)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["", "   ", "a/b", "..", ".hidden", "x" * 61, "tab\there", 'q"uote'])
def test_a_name_that_is_no_file_name_is_refused(scene, folder: Path, name: str):
    with pytest.raises(RuntimeError, match="cannot be a preset's name"):
        bpy.ops.facewright.preset_save(name=name)
    assert not folder.exists()


def test_only_presets_of_ones_own_can_be_deleted(scene, folder: Path, tmp_path_factory: pytest.TempPathFactory):
    bpy.ops.facewright.preset_save(name="Mine")
    stranger = tmp_path_factory.mktemp("elsewhere") / "Precious.toml"
    stranger.touch()
    with pytest.raises(RuntimeError, match="none of your presets"):
        bpy.ops.facewright.preset_delete(path=str(stranger))
    assert stranger.exists()
    assert bpy.ops.facewright.preset_delete(path=str(folder / "Mine.toml")) == {"FINISHED"}
    assert [preset for preset in presets.every() if presets.is_own(preset)] == []


def test_a_folder_of_presets_that_cannot_be_is_told_where_it_is_asked_for(scene, folder: Path, monkeypatch):
    folder.touch()  # a file
    for act in (bpy.ops.facewright.preset_folder, bpy.ops.facewright.preset_save):
        with pytest.raises(RuntimeError, match=r"^Error: folder '.*' cannot be made: .*; choose another place$"):
            act()
    monkeypatch.setenv(FOLDER_VARIABLE, "~nobody_of_that_name/presets")
    for act in (bpy.ops.facewright.preset_folder, bpy.ops.facewright.preset_save):
        with pytest.raises(RuntimeError, match=r"^Error: '~nobody.*': nobody here has that home"):
            act()


def test_a_folder_of_presets_that_cannot_be_leaves_ours_in_the_menu(scene, monkeypatch: pytest.MonkeyPatch):
    ours = presets.every()
    monkeypatch.setenv(FOLDER_VARIABLE, "~nobody_of_that_name/presets")
    assert presets.every() == ours


def test_a_preset_that_cannot_be_deleted_says_why(scene, folder: Path):
    (folder / "Mine.toml").mkdir(parents=True)
    with pytest.raises(RuntimeError, match=r"^Error: '.*Mine.toml' cannot be deleted: "):
        bpy.ops.facewright.preset_delete(path=str(folder / "Mine.toml"))


def test_a_seed_is_drawn_and_undone(scene):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.facewright.another_seed("EXEC_DEFAULT", True)
    assert chosen().seed > 0
    bpy.ops.ed.undo()
    assert chosen().seed == 0


def test_a_layer_is_reset_alone(scene):
    layers = properties.choices_of(scene).layers
    layers.blink.per_minute, layers.brows.amount = 40, 0.5
    assert not layer_properties.is_default(layers, "blink")
    bpy.ops.facewright.layer_reset(layer="blink")
    assert layer_properties.is_default(layers, "blink")
    assert layers.brows.amount == 0.5


def test_a_layer_with_a_misspelt_track_is_told_from_one_as_it_came(scene):
    layers = properties.choices_of(scene).layers
    layers.emotion.track = "0 joyy"
    assert not layer_properties.is_default(layers, "emotion")
    bpy.ops.facewright.layer_reset(layer="emotion")
    assert layer_properties.is_default(layers, "emotion")


def test_every_slider_says_what_it_does_and_has_the_cores_range(scene):
    layers = properties.choices_of(scene).layers
    for section in layer_properties.SECTIONS:
        for item in layer_properties.options(section):
            slider = getattr(layers, section).bl_rna.properties[item.name]
            assert slider.description
            assert not slider.description.endswith(".")
            if not isinstance(item.default, str):
                assert slider.hard_min == pytest.approx(item.metadata["low"])
                assert slider.hard_max == pytest.approx(item.metadata["high"])
                assert slider.default == pytest.approx(item.default)


def test_emotions_alone_can_be_keyed(scene):
    layers = properties.choices_of(scene).layers
    layers.emotion.keyframe_insert("joy", frame=1)
    assert layers.emotion.bl_rna.properties["fear"].is_animatable
    with pytest.raises(TypeError):
        layers.blink.keyframe_insert("amount", frame=1)
