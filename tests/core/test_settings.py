from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from addon.core.errors import SettingsError
from addon.core.settings import (
    DEFAULTS,
    BlinkSettings,
    EmotionSettings,
    ModelSettings,
    Settings,
    dumps,
    load,
    loads,
    seeded,
)

ODD = 'C:\\models\\"new"\n\t台詞\x7f.onnx'


def test_what_is_dumped_is_loaded_again() -> None:
    changed = Settings(seed=7, model=ModelSettings(path=ODD, window_s=3.5), blink=BlinkSettings(per_minute=9.0, seed=2))
    for settings in (DEFAULTS, changed):
        assert loads(dumps(settings)) == settings


def test_a_file_names_only_what_it_changes(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("seed = 3\n[articulation]\njaw = 1\n[blink]\namount = 0.5\n")
    loaded = load(tmp_path / "a.toml")
    assert loaded == replace(DEFAULTS, seed=3, blink=BlinkSettings(amount=0.5))
    assert isinstance(loaded.articulation.jaw, float)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sed = 3", "'sed'"),
        ("[blink]\nrate = 3", "'blink.rate'"),
        ("[blinks]\nrate = 3", "'blinks'"),
        ("blink = 3", "'blink'"),
        ("seed = -1", "seed must be 0 to 2147483647, not -1"),
        ("seed = 1.5", "seed must be a whole number"),
        ("seed = true", "seed must be a number"),
        ("seed = 99999999999", "seed must be"),
        (f"seed = 1{400 * '0'}", "seed must be 0 to 2147483647, not a number of 1329 bits"),
        (f"[blink]\namount = 1{400 * '0'}", r"blink\.amount must be 0 to 1, not a number of 1329 bits"),
        ("[blink]\namount = 1.5", r"blink\.amount must be 0 to 1, not 1\.5"),
        ("[blink]\namount = nan", r"blink\.amount must be a number"),
        ('[blink]\namount = "much"', r"blink\.amount must be a number"),
        ("[blink]\namount = [1]", r"blink\.amount must be a number"),
        ("[model]\npath = 3", r"model\.path must be text"),
        ("[model]\nwindow_s = 0", r"model\.window_s must be 1 to 120"),
        ("[model.path]\na = 3", r"model\.path must be text"),
        ("[brows]\nraise_by = 2", r"brows\.raise_by"),
    ],
)
def test_what_is_wrong_is_named(text: str, names: str) -> None:
    with pytest.raises(SettingsError, match=names) as refusal:
        loads(text)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    "content", [b"seed = ", b"\xff\xfe", b"a = 1\na = 2", b"seed = " + b"1" * 5000, b"seed = " + b"[" * 5000]
)
def test_a_file_that_is_no_toml_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(SettingsError, match="cannot be read") as refusal:
        load(tmp_path / "a.toml")
    assert len(str(refusal.value).splitlines()) == 1


def test_the_mark_that_windows_editors_write_first_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("seed = 3", encoding="utf-8-sig")
    assert load(tmp_path / "a.toml").seed == 3


def test_what_a_shell_of_windows_writes_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("seed = 3", encoding="utf-16")
    with pytest.raises(SettingsError, match=r"a\.toml' cannot be read: save it as UTF-8$"):
        load(tmp_path / "a.toml")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml' cannot be read: No such file"):
        load(tmp_path / "none.toml")


def test_the_takes_seed_is_added_to_a_layers_own() -> None:
    assert seeded(BlinkSettings(seed=4), 3).seed == 7
    assert seeded(BlinkSettings(seed=2**31 - 1), 2).seed == 1


def test_a_mood_on_the_command_line_is_held_or_keyed() -> None:
    base = EmotionSettings(fear=0.4, from_voice=0.2, track="1 fear")
    held = base.directed("joy 0.6")
    assert (held.joy, held.fear, held.track, held.from_voice) == (0.6, 0.0, "", 0.2)
    keyed = base.directed("0.5 joy 0.6; 2 anger")
    assert (keyed.fear, keyed.track) == (0.4, "0.5 joy 0.6; 2 anger")
    for wrong in ("jou 0.6", "0.5 jou", "1;2"):
        with pytest.raises(SettingsError):
            base.directed(wrong)
