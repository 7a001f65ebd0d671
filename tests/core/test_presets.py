from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from addon.core import channels, presets
from addon.core.curves import SEALED_GAP, lip_gap
from addon.core.errors import SettingsError
from addon.core.heard import Heard
from addon.core.layers.closures import near_speech
from addon.core.pipeline import listen, perform
from addon.core.settings import DEFAULTS, EmotionSettings, ModelSettings, Settings

LINES = sorted((Path(__file__).parents[2] / "samples").glob("*.wav"))
NAMES = [preset.name for preset in presets.every()]


@cache
def heard(line: Path) -> Heard:
    """What the shipped model hears in one of the spoken samples."""
    return listen(line)


def labiodental(curves: object) -> np.ndarray:
    """The articulation score's signal of a lower lip at the upper teeth, on what carries most of it."""
    column = curves.column  # type: ignore[attr-defined]
    down = (column("mouthLowerDownLeft") + column("mouthLowerDownRight")) / 2
    press = (column("mouthPressLeft") + column("mouthPressRight")) / 2
    return np.asarray(column("mouthRollLower") - 0.7 * column("mouthRollUpper") - 0.35 * press - 0.25 * down)


def test_the_presets_that_are_named_in_the_docs_are_there() -> None:
    assert {"neutral", "conversation", "news", "shout", "whisper", "mumble", "creature", "robot"} <= set(NAMES)
    assert all(len(preset.about) > 20 for preset in presets.every())
    assert presets.load("neutral") == DEFAULTS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("line", LINES, ids=lambda path: path.stem)
def test_closures_hold_under_every_preset(name: str, line: Path) -> None:
    said = heard(line)
    near = near_speech(said.prosody)
    sealed = (lip_gap(said.curves) <= SEALED_GAP) & near
    assert sealed.sum() >= 5
    performed = perform(said, presets.load(name))
    assert lip_gap(performed)[sealed].max() <= SEALED_GAP + 1e-6
    assert lip_gap(performed).min() >= 0
    for opener in ("mouthLowerDownLeft", "mouthUpperUpLeft", "mouthFunnel"):
        assert (performed.column(opener) <= said.curves.column(opener) * 1.3 + 1e-3)[sealed].all()
    shapes = performed.select(channels.ARKIT).values
    assert 0 <= shapes.min() <= shapes.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_f_and_v_reach_the_teeth_under_every_preset(name: str) -> None:
    said = heard(LINES[1])
    plain, performed = perform(said), perform(said, presets.load(name))
    at_teeth = plain.column("mouthRollLower") >= 0.25
    assert at_teeth.sum() > 10
    assert (labiodental(performed)[at_teeth] >= 0.85 * labiodental(plain)[at_teeth]).all()


@pytest.mark.parametrize("emotion", ["joy", "sadness", "anger", "fear", "disgust", "surprise", "contempt"])
def test_closures_hold_in_every_mood(emotion: str) -> None:
    mood = Settings(emotion=EmotionSettings(**{emotion: 1.0}, on_mouth=1.0))  # type: ignore[arg-type]
    for line in LINES:
        said = heard(line)
        sealed = (lip_gap(said.curves) <= SEALED_GAP) & near_speech(said.prosody)
        assert lip_gap(perform(said, mood))[sealed].max() <= SEALED_GAP + 1e-6


def test_the_head_of_a_large_beast_is_slower_than_a_speakers() -> None:
    said = heard(LINES[0])
    beast, speaker = (np.diff(perform(said, presets.load(n)).column("headPitch")) for n in ("creature", "neutral"))
    assert np.abs(beast).max() < np.abs(speaker).max()


@pytest.mark.parametrize("emotion", ["joy", "sadness", "anger", "fear", "disgust", "surprise", "contempt"])
def test_no_mood_snaps_on_or_off_round_a_closure(emotion: str) -> None:
    mood = Settings(emotion=EmotionSettings(**{emotion: 1.0}))  # type: ignore[arg-type]
    names = [name for name in channels.ARKIT if name.startswith(("jaw", "mouth", "nose"))]
    for line in LINES:
        said = heard(line)
        felt = perform(said, mood).select(names).values - perform(said).select(names).values
        assert np.abs(np.diff(felt, axis=0)).max() < 0.19  # of a shape in 20 ms


def test_presets_are_found_whatever_case_they_are_written_in(tmp_path: Path) -> None:
    saved = presets.save(tmp_path, "Old Sailor", Settings(seed=4, emotion=EmotionSettings(joy=0.2)), "Sings.\nLoudly.")
    assert saved.about == "Sings. Loudly."
    assert presets.find("old_sailor", tmp_path).path == saved.path
    assert presets.load("OLD SAILOR", tmp_path) == Settings(emotion=EmotionSettings(joy=0.2))
    assert presets.load(str(saved.path)) == Settings(emotion=EmotionSettings(joy=0.2))
    assert [preset.name for preset in presets.every(tmp_path)] == [*NAMES, "Old Sailor"]
    assert presets.every(tmp_path / "none") == presets.every()


def test_a_folder_that_cannot_even_be_asked_for_holds_no_preset(tmp_path: Path) -> None:
    assert presets.every(tmp_path / ("n" * 300)) == presets.every()


def test_what_macos_leaves_beside_a_preset_on_a_share_is_none(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[blink]\nper_minute = 3\n")
    (tmp_path / "._mine.toml").write_bytes(b"\0\5\x16\7\xff")
    assert [preset.name for preset in presets.every(tmp_path)] == [*NAMES, "mine"]


def test_a_preset_is_saved_over_one_of_its_name_however_that_is_spelt(tmp_path: Path) -> None:
    for name, joy in (("Old Sailor", 0.2), ("old_sailor", 0.7)):
        presets.save(tmp_path, name, Settings(emotion=EmotionSettings(joy=joy)))
    assert [path.name for path in tmp_path.iterdir()] == ["Old Sailor.toml"]
    assert presets.load("old sailor", tmp_path).emotion.joy == 0.7


def test_a_preset_names_only_what_it_changes_and_leaves_the_rest() -> None:
    base = replace(DEFAULTS, seed=7, model=ModelSettings(path="a.onnx"))
    shouted = presets.load("shout", base=base)
    assert (shouted.seed, shouted.model) == (7, base.model)
    assert shouted.articulation.jaw == 1.6
    text = presets.changes(shouted)
    assert "seed" not in text
    assert "path" not in text
    assert presets.changes(DEFAULTS) == ""


def test_what_is_no_preset_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"there is no preset 'shuot' \(did you mean shout\?\); choose conversation"
    ):
        presets.find("shuot", tmp_path)
    with pytest.raises(SettingsError, match=r"settings file .* cannot be read: No such file"):
        presets.load("nowhere.toml")
    (tmp_path / "bad.toml").write_text("[blink]\nrate = 3\n")
    with pytest.raises(SettingsError, match=r"settings file '.*bad\.toml': unknown setting 'blink\.rate'"):
        presets.load("bad", tmp_path)


@pytest.mark.parametrize("name", ["", " ", "a/b", "..", "x" * 61, "con:sole", "Neutral", "a\nb", "my.toml", "MY.TOML"])
def test_names_that_cannot_be_are_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        presets.save(tmp_path / "mine", name, DEFAULTS)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("name", ["con", "NUL", "Lpt1", "aux.calm", "CON ."])
def test_names_of_windows_devices_are_refused_everywhere(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="on Windows it is a device; choose another"):
        presets.save(tmp_path / "mine", name, DEFAULTS)
    assert presets.save(tmp_path, "Console 1", DEFAULTS).path.is_file()


@pytest.mark.parametrize("about", ["a\x07 bell", "a\x7f bell", "a\x1b\n\tbell", "a \udcffbell"])
def test_whatever_is_said_of_a_preset_it_can_be_read_again(about: str, tmp_path: Path) -> None:
    saved = presets.save(tmp_path, "mine", DEFAULTS, about)
    assert presets.load("mine", tmp_path) == DEFAULTS
    assert saved.about == "a bell"


def test_a_home_that_nobody_has_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(presets.FOLDER_VARIABLE, "~nobodyx/presets")
    with pytest.raises(SettingsError, match="'~nobodyx/presets': nobody here has that home; write the whole path"):
        presets.user_folder()
    with pytest.raises(SettingsError, match="nobody here has that home"):
        presets.find("~nobodyx/a.toml")


def test_who_has_no_home_has_our_presets_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", nowhere)  # as where the user of a container is a mere number
    for variable in (presets.FOLDER_VARIABLE, "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(variable, raising=False)
    assert presets.load("news", *presets.user_folders()) != DEFAULTS
    with pytest.raises(SettingsError, match="nobody here has a home to keep presets in; name a folder in FACEWRIGHT_P"):
        presets.user_folder()


def test_presets_folder_follows_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(presets.FOLDER_VARIABLE, str(tmp_path))
    assert presets.user_folder() == tmp_path
    monkeypatch.delenv(presets.FOLDER_VARIABLE)
    assert presets.user_folder().parts[-2:] == ("facewright", "presets")


def test_a_folder_that_no_disk_can_have_holds_no_presets() -> None:
    assert presets.every(Path("/" + 300 * "a")) == presets.every()
