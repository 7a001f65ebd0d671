"""Which sound is heard, which part of it, and where it lands in the sequencer."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from addon.blender.base import compat, sound
from addon.blender.takes import bake, takes
from addon.core.errors import AudioError, FacewrightError
from tests.full_disk import disk_full_after

from .conftest import keys_on, needs_audio, write_line


def add_strip(path: Path, frame: int = 1, channel: int = 1, name: str = "line"):
    return compat.strips(bpy.context.scene).new_sound(name, str(path), channel, frame)


def trim(strip, first: int, last: int) -> None:
    """Moves the handles to scene frames."""
    strip.frame_final_start = first
    strip.frame_final_end = last


def test_a_path_that_starts_at_the_blend_file_is_found(scene, tmp_path: Path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    path = write_line(tmp_path / "line.wav")
    assert sound.from_file("//line.wav", 1).path == path


@pytest.mark.parametrize("name", ["two words.wav", "quo'te\".wav", "new\nline.wav", "übung 日本語 ру́сский.wav"])
def test_any_file_name_can_be_spoken(head, settings, tmp_path: Path, name: str):
    line = sound.from_file(str(write_line(tmp_path / name)), 1)
    bake.animate_scene(bpy.context.scene, head, line, settings)
    assert len(keys_on(head, "jawOpen")) == 48


@needs_audio
@pytest.mark.parametrize("name", ["two words.wav", "quo'te\".wav", "übung 日本語.wav"])
def test_the_sound_is_in_the_sequencer_at_its_frame(head, settings, tmp_path: Path, name: str):
    line = sound.from_file(str(write_line(tmp_path / name)), 30)
    bake.animate_scene(bpy.context.scene, head, line, settings)
    (strip,) = compat.sound_strips(bpy.context.scene)
    assert compat.span(strip) == (30, 30, 78)
    assert Path(bpy.path.abspath(strip.sound.filepath)) == tmp_path / name


@needs_audio
def test_a_sound_that_overlaps_another_goes_on_a_free_channel(scene, tmp_path: Path):
    add_strip(write_line(tmp_path / "music.wav"), frame=20)
    sound.place(scene, sound.from_file(str(write_line(tmp_path / "line.wav")), 1))
    assert {(strip.name, strip.channel) for strip in compat.sound_strips(scene)} == {("line", 1), ("line.001", 2)}


@needs_audio
def test_a_whole_strip_is_spoken_where_it_lies_and_not_added_again(head, settings, tmp_path: Path):
    scene = bpy.context.scene
    add_strip(write_line(tmp_path / "line.wav"), frame=40)
    line = sound.from_strip(scene, "line")
    assert (line.frame, line.is_trimmed) == (40, False)
    bake.animate_scene(scene, head, line, settings)
    assert keys_on(head, "jawOpen")[0, 0] == 40
    assert len(compat.sound_strips(scene)) == 1


@needs_audio
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_only_the_part_between_the_handles_of_a_strip_is_spoken(head, settings, tmp_path: Path):
    scene = bpy.context.scene
    trim(add_strip(write_line(tmp_path / "line.wav"), frame=41), 53, 65)
    line = sound.from_strip(scene, "line")
    assert (line.frame, line.start_s, line.end_s) == (53, 0.5, 1.0)
    bake.animate_scene(scene, head, line, settings)
    keys = keys_on(head, "jawOpen")
    assert keys[:, 0].tolist() == list(range(53, 65))
    assert keys[2:-2, 1].min() > 0.25  # the tone starts at 0.5 s


@needs_audio
def test_what_a_hard_split_cut_off_is_not_heard_after_it(scene, tmp_path: Path):
    whole = add_strip(write_line(tmp_path / "line.wav"), frame=10)
    rest = whole.split(frame=28, split_method="HARD")
    assert (rest.animation_offset_start, rest.frame_offset_start) == (18, 0)
    line = sound.from_strip(scene, rest.name)
    assert (line.frame, line.start_s, line.end_s, line.frames) == (28, 0.75, float("inf"), 30)
    begin = sound.from_strip(scene, "line")
    assert (begin.frame, begin.start_s, begin.end_s, begin.frames) == (10, 0, 0.75, 18)
    rest.frame_start = 50
    assert compat.span(rest) == (32, 50, 80)


@needs_audio
@pytest.mark.skipif(bpy.app.version < (4, 4), reason="this Blender has no offset of sounds")
def test_a_sound_that_begins_later_than_its_strip_is_spoken_where_it_is_heard(scene, tmp_path: Path):
    strip = add_strip(write_line(tmp_path / "line.wav"), frame=10)
    strip.sound_offset = 0.5
    line = sound.from_strip(scene, "line")
    assert (line.frame, line.start_s, line.frames) == (22, 0, 36)


@needs_audio
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_handle_pulled_out_beyond_the_sound_moves_nothing(scene, tmp_path: Path):
    trim(add_strip(write_line(tmp_path / "line.wav"), frame=41), 31, 65)
    line = sound.from_strip(scene, "line")
    assert (line.frame, line.start_s, line.end_s) == (41, 0.0, 1.0)


@needs_audio
def test_a_sound_that_is_there_under_another_spelling_of_its_path_is_not_added_again(scene, tmp_path: Path):
    (tmp_path / "shots").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shots/one.blend"))
    path = write_line(tmp_path / "line.wav")
    for spelling in ("//../line.wav", str(path), f"{tmp_path}/shots/../line.wav"):
        sound.place(scene, sound.from_file(spelling, 1))
    assert len(compat.sound_strips(scene)) == 1


@needs_audio
def test_a_strip_whose_file_cannot_be_asked_for_hinders_no_other(scene, tmp_path: Path):
    away = write_line(tmp_path / "away.wav")
    add_strip(away)
    away.unlink()
    away.symlink_to(away)  # as is a share of Windows' that is away
    line = sound.from_file(str(write_line(tmp_path / "line.wav")), 30)
    assert sound.place(scene, line) is None
    assert len(compat.sound_strips(scene)) == 2


@needs_audio
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_trimmed_strip_of_a_damaged_file_is_said_to_be_cut_short(scene, settings, tmp_path: Path):
    path = write_line(tmp_path / "line.wav")
    strip = add_strip(path)
    trim(strip, 13, 40)
    path.write_bytes(path.read_bytes()[:30_000])
    assert "cut short" in bake.perform(sound.from_strip(scene, "line"), settings).notes[0]


@needs_audio
def test_a_packed_sound_is_heard_without_its_file(scene, tmp_path: Path):
    path = write_line(tmp_path / "line.wav")
    strip = add_strip(path)
    strip.sound.pack()
    expected = path.read_bytes()
    path.unlink()
    assert sound.from_strip(scene, "line").path.read_bytes() == expected


@needs_audio
def test_a_packed_sound_that_finds_no_room_is_refused_and_whole_the_next_time(scene, tmp_path: Path):
    path = write_line(tmp_path / "line.wav", 1.25)
    add_strip(path).sound.pack()
    expected = path.read_bytes()
    path.unlink()
    with disk_full_after(1_000), pytest.raises(FacewrightError, match="cannot be written: File too large"):
        sound.from_strip(scene, "line")
    assert sound.from_strip(scene, "line").path.read_bytes() == expected


@needs_audio
def test_a_strip_inside_a_meta_strip_can_be_chosen(scene, tmp_path: Path):
    meta = compat.strips(scene).new_meta("meta", 1, 1)
    inside = meta.strips if hasattr(meta, "strips") else meta.sequences
    inside.new_sound("inner", str(write_line(tmp_path / "line.wav")), 1, 12)
    assert sound.from_strip(scene, "inner").frame == 12


@needs_audio
def test_the_handles_of_a_meta_strip_cut_off_the_strip_inside(scene, tmp_path: Path):
    meta = compat.strips(scene).new_meta("meta", 1, 1)
    inside = meta.strips if hasattr(meta, "strips") else meta.sequences
    inside.new_sound("inner", str(write_line(tmp_path / "line.wav")), 1, 1)
    left, right = ("left_handle", "right_handle") if compat.HAS_HANDLES else ("frame_final_start", "frame_final_end")
    setattr(meta, right, 37)
    setattr(meta, left, 13)
    line = sound.from_strip(scene, "inner")
    assert (line.frame, line.frames, line.start_s, line.end_s) == (13, 24, pytest.approx(0.5), pytest.approx(1.5))


@needs_audio
def test_a_strip_whose_file_is_gone_is_refused(scene, tmp_path: Path):
    path = write_line(tmp_path / "line.wav")
    add_strip(path)
    path.unlink()
    with pytest.raises(AudioError, match=r"line\.wav' does not exist; find it with File > External Data"):
        sound.from_strip(scene, "line")


def test_a_strip_that_is_not_there_is_refused(scene):
    with pytest.raises(AudioError, match="no sound strip 'line'; choose one that is there"):
        sound.from_strip(scene, "line")


@needs_audio
def test_a_strip_of_another_scene_is_refused_with_the_name_of_that_scene(scene, tmp_path: Path):
    add_strip(write_line(tmp_path / "line.wav"))
    told = "^strip 'line' is in the sequencer of scene 'Scene', not of 'Shot'; animate it there, or copy it here$"
    with pytest.raises(AudioError, match=told):
        sound.from_strip(bpy.data.scenes.new("Shot"), "line")


def test_a_sound_that_cannot_even_be_asked_for_is_refused(scene, tmp_path: Path):
    with pytest.raises(AudioError, match="does not exist; choose it again"):
        sound.from_file(str(tmp_path / ("n" * 300)), 1)


def test_no_sound_and_no_such_sound_are_refused(scene, tmp_path: Path):
    with pytest.raises(AudioError, match="no sound is chosen"):
        sound.from_file("", 1)
    with pytest.raises(AudioError, match="does not exist; choose it again"):
        sound.from_file(str(tmp_path / "line.wav"), 1)
    with pytest.raises(AudioError, match="does not exist; choose it again"):
        sound.from_file(str(tmp_path / f"{300 * 'a'}.wav"), 1)


@needs_audio
@pytest.mark.parametrize("seconds", [2.0, 2.01, 2.015, 2.03, 2.04])
def test_a_line_ends_with_its_strip_so_that_the_next_may_begin_there(head, settings, tmp_path: Path, seconds: float):
    scene = bpy.context.scene
    first = add_strip(write_line(tmp_path / "one.wav", seconds), name="one")
    end = round(compat.span(first)[2])
    add_strip(write_line(tmp_path / "two.wav"), end, name="two")
    for name in ("one", "two"):
        assert bake.animate_scene(scene, head, sound.from_strip(scene, name), settings).notes == ()
    assert [take.last + 1 for take in takes.of(scene).takes] == [end, end + 48]
    jaw = keys_on(head, "jawOpen")
    assert jaw[jaw[:, 0] < end, 1].max() > 0.2


@needs_audio
def test_a_sound_that_is_heard_twice_is_told(scene, tmp_path: Path):
    path = write_line(tmp_path / "line.wav")
    assert sound.place(scene, sound.from_file(str(path), 1)) is None
    assert "plays the same sound over it" in sound.place(scene, sound.from_file(str(path), 13))
    assert sound.place(scene, sound.from_file(str(path), 200)) is None
