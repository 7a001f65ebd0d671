"""Captured takes onto a head: where they begin, what they keep, and what is refused before anything is written."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from addon.blender.base import compat
from addon.blender.sidebar import take_import_operator
from addon.blender.takes import memory, take_import, takes
from addon.core import archive, capture, channels, formats
from addon.core.curves import Curves
from addon.core.errors import AudioError, FacewrightError, FormatError, RigError
from addon.core.settings import Settings

from .conftest import keys_on, needs_audio, state, write_line

START_S = 46_984.5  # 13:03:04:30 of the day
Import = Callable[..., take_import.bake.Report]


@pytest.fixture
def take(tmp_path: Path) -> Path:
    """Two seconds of a captured face at 60 Hz: a jaw that opens and shuts on the half seconds, lids that blink once."""
    t = np.arange(120) / 60
    columns = {
        "jawOpen": 0.5 - 0.5 * np.cos(2 * np.pi * 2 * t),
        "eyeBlinkLeft": np.exp(-(((t - 1.0) / 0.05) ** 2)),
        "eyeLookOutLeft": np.full(120, 0.5),
    }
    values = np.stack(list(columns.values()), axis=1).astype(np.float32)
    formats.write(tmp_path / "take.csv", Curves(values, tuple(columns), 60.0), 60.0, START_S)
    return tmp_path / "take.csv"


@pytest.fixture
def bring(head: bpy.types.Object, take: Path, settings: Settings) -> Import:
    """Imports the take onto the head."""

    def run(**options: object) -> take_import.bake.Report:
        order = take_import.Order(path=take, **options)
        return take_import.run(bpy.context.scene, head, order, settings)

    return run


def test_a_take_is_baked_from_the_start_frame_on_at_the_scenes_rate(head, bring):
    report = bring(frame=10)
    keys = keys_on(head, "jawOpen")
    assert keys[:, 0].tolist() == list(range(10, 58))
    t = (keys[:, 0] - 10) / 24
    np.testing.assert_allclose(keys[:-1, 1], (0.5 - 0.5 * np.cos(4 * np.pi * t))[:-1], atol=0.03)
    assert keys[-1, 1] < 0.02  # lips that met between the last two frames meet on the nearest
    assert (report.line, report.first_frame, report.frames) == ("take", 10, 48)


@pytest.mark.parametrize("about", [{"rate": 24.0}, {"names": ["jawOpen"], "rate": 0}, {"names": [], "rate": 24.0}])
def test_a_take_whose_kept_curves_are_damaged_is_refused_in_one_line(bring, scene, about):
    bring(frame=10)
    data = archive.pack(memory.RECORDED, memory.SCHEMA, about, {"values": np.zeros((48, 1), np.float32)})
    compat.put_bytes(takes.of(scene).memory[0], memory.DATA, data)
    with pytest.raises(RuntimeError, match=r"^Error: what was kept is damaged \(.*\); listen to the line again\n?$"):
        bpy.ops.facewright.rebake(asked="TAKE")


def test_an_offset_moves_the_take_and_not_the_start_frame(head, bring):
    bring(frame=1, align="OFFSET", offset_s=1.0)
    assert keys_on(head, "jawOpen")[0, 0] == 25
    bring(frame=1, align="OFFSET", offset_s=-0.5)
    assert keys_on(head, "jawOpen")[0, 0] == -11


def test_an_offset_of_part_of_a_frame_is_kept_within_a_captured_row(head, bring):
    bring(frame=1, align="OFFSET", offset_s=0.02)  # half a frame
    keys = keys_on(head, "jawOpen")
    assert keys[0, 0] == 2
    wanted = 0.5 - 0.5 * np.cos(4 * np.pi * (1 / 24 - 0.02))
    assert keys[0, 1] == pytest.approx(wanted, abs=0.06)


def test_the_rest_of_a_frame_is_taken_off_the_take_and_not_off_its_time(head, bring):
    bring(frame=1, align="OFFSET", offset_s=0.002)  # hardly any of frame 1 is left
    keys = keys_on(head, "jawOpen")
    assert keys[0, 0] == 2
    assert keys[0, 1] == pytest.approx(0.5 - 0.5 * np.cos(4 * np.pi * (1 / 24 - 0.002)), abs=0.03)


@pytest.mark.parametrize("options", [{"frame": 2**31 - 1}, {"align": "OFFSET", "offset_s": -1e6}, {"fps_base": 1e-5}])
def test_frames_that_blender_does_not_have_are_refused_and_nothing_is_written(head, bring, options):
    scene = bpy.context.scene
    scene.render.fps_base = options.pop("fps_base", 1.0)
    before = state(), len(takes.of(scene).takes)
    with pytest.raises(FacewrightError, match=r"'take' would lie on frames .*, and Blender has -1048574 to 1048574"):
        bring(**options)
    assert (state(), len(takes.of(scene).takes)) == before


@pytest.mark.parametrize("offset_s", [math.nan, math.inf])
def test_an_offset_that_is_no_number_of_seconds_is_refused(bring, offset_s: float):
    with pytest.raises(FacewrightError, match=f"the offset is {offset_s}; give seconds"):
        bring(align="OFFSET", offset_s=offset_s)


def test_timecode_puts_a_take_where_the_shoot_had_it(head, bring):
    bring(frame=1, align="TIMECODE", at="13:03:03:12")  # 1 second before, at 24 frames a second
    assert keys_on(head, "jawOpen")[0, 0] == 25


def test_a_take_that_began_before_the_timecode_asked_for_begins_before_the_start_frame(head, bring):
    bring(frame=1, align="TIMECODE", at="13:03:05:00")  # half a second after the take's first row
    assert keys_on(head, "jawOpen")[0, 0] == -11


def test_timecode_puts_a_take_behind_a_sound_that_began_before_midnight(head, take, settings):
    text = take.read_text().replace("13:03:04", "00:00:00").replace("13:03:05", "00:00:01")
    take.write_text(text.replace("13:03:06", "00:00:02"))
    order = take_import.Order(path=take, frame=1, align="TIMECODE", at="23:59:59:12")
    take_import.run(bpy.context.scene, head, order, settings)
    assert keys_on(head, "jawOpen")[0, 0] == 25


def test_a_sounds_own_start_time_aligns_by_timecode(head, bring, tmp_path):
    line = write_line(tmp_path / "other.wav")
    with_start(line, START_S - 0.5)
    bring(frame=1, sound=str(line), align="TIMECODE")
    assert keys_on(head, "jawOpen")[0, 0] == 13


def with_start(path: Path, start_s: float) -> None:
    """Gives a WAV the header that field recorders write."""
    data = path.read_bytes()
    bext = bytes(338) + struct.pack("<Q", round(start_s * 16_000)) + bytes(256)
    chunk = b"bext" + struct.pack("<I", len(bext)) + bext
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8 + len(chunk)) + data[8:12] + chunk + data[12:])


@needs_audio
def test_the_sound_comes_with_the_take(head, bring, tmp_path):
    line = write_line(tmp_path / "take.wav")
    bring(frame=5, sound=str(line), align="OFFSET", offset_s=0.5)
    strip = compat.sound_strips(bpy.context.scene)[0]
    assert compat.span(strip)[0] == 5
    assert keys_on(head, "jawOpen")[0, 0] == 17
    assert take_import.sound_beside(tmp_path / "take.csv") == str(line)


def test_eyes_turn_though_the_capture_has_shapes_alone():
    curves = Curves(np.array([[0.5, 0.2]], np.float32), ("eyeLookOutLeft", "eyeLookUpLeft"), 60.0)
    both = capture.with_both_gazes(curves)
    assert both.column("leftEyeYaw")[0] == pytest.approx(-0.5 * channels.EYE_UNIT_RAD)  # the character's left
    assert both.column("leftEyePitch")[0] == pytest.approx(-0.2 * channels.EYE_UNIT_RAD)
    again = capture.with_both_gazes(both.select(("leftEyeYaw", "leftEyePitch")))
    assert again.column("eyeLookOutLeft")[0] == pytest.approx(0.5)
    assert again.column("eyeLookUpLeft")[0] == pytest.approx(0.2)


@pytest.mark.parametrize("with_sound", [True, False])
def test_layers_add_what_is_asked_for_and_leave_the_rest(head, bring, tmp_path, with_sound):
    plain = bring()
    before = {name: keys_on(head, name) for name in ("jawOpen", "mouthSmileLeft", "eyeBlinkLeft", "browInnerUp")}
    sound = str(write_line(tmp_path / "voice.wav", 2.0)) if with_sound else ""
    bring(layers={"BLINKS", "GAZE"}, sound=sound)
    np.testing.assert_array_equal(keys_on(head, "jawOpen"), before["jawOpen"])
    np.testing.assert_array_equal(keys_on(head, "browInnerUp"), before["browInnerUp"])
    blinks = keys_on(head, "eyeBlinkLeft")
    assert (blinks[:, 1] >= before["eyeBlinkLeft"][:, 1] - 1e-6).all()
    assert not np.allclose(keys_on(head, "eyeLookOutLeft")[:, 1], 0.5)
    assert plain.frames == 48


def test_a_capture_is_kept_as_it_is_unless_the_lips_are_limited(head, tmp_path, settings):
    values = np.array([[0.1, 0.3]] * 60, np.float32)
    formats.write(tmp_path / "a.json", Curves(values, ("jawOpen", "mouthClose"), 60.0))
    for limit, closes in ((False, 0.3), (True, 0.1)):
        order = take_import.Order(path=tmp_path / "a.json", limit_closing=limit)
        take_import.run(bpy.context.scene, head, order, settings)
        assert keys_on(head, "mouthClose")[0, 1] == pytest.approx(closes)


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"align": "TIMECODE"}, FormatError, "give the timecode of the start frame"),
        ({"align": "TIMECODE", "at": "noon"}, FormatError, "'noon' is no timecode"),
        ({"align": "TIMECODE", "at": "10:00:00:99"}, FormatError, "is no timecode at 24 fps"),
        ({"align": "TIMECODE", "at": "02:00:00:00"}, FormatError, "11.1 hours away"),
        ({"sound": "/nowhere/line.wav"}, AudioError, "does not exist"),
    ],
)
def test_what_cannot_be_aligned_or_heard_writes_nothing(bring, options, kind, says):
    before = state()
    with pytest.raises(kind, match=says):
        bring(**options)
    assert state() == before


def test_a_broken_file_or_a_head_without_keys_writes_nothing(head, take, make_head, settings, tmp_path):
    bare = make_head("Bare", keys=())
    broken = tmp_path / "broken.csv"
    broken.write_text(take.read_text().replace("13:03:05:15", "13:93:05:15"))
    before = state()
    with pytest.raises(FormatError, match="line 47: timecode '13:93:05:15.000'"):
        take_import.run(bpy.context.scene, head, take_import.Order(path=broken), settings)
    with pytest.raises(RigError):
        take_import.run(bpy.context.scene, bare, take_import.Order(path=take), settings)
    assert state() == before


def test_a_take_without_a_face_is_refused(head, tmp_path, settings):
    (tmp_path / "a.csv").write_text("Timecode,BlendShapeCount,JawOpen\n00:00:00:00.0,0\n")
    with pytest.raises(FormatError, match="no frame with a face"):
        take_import.run(bpy.context.scene, head, take_import.Order(path=tmp_path / "a.csv"), settings)


def test_the_operator_imports_onto_the_active_head(head, take):
    assert bpy.ops.facewright.import_take(filepath=str(take), frame_start=3) == {"FINISHED"}
    assert keys_on(head, "jawOpen")[0, 0] == 3
    assert take_import_operator.FACEWRIGHT_OT_import_take.bl_options == {"REGISTER", "UNDO"}


def test_sounds_beside_a_capture_are_offered_but_not_what_macos_leaves_beside_them(tmp_path):
    for name in ("a.WAV", "._a.WAV", "take.csv"):
        (tmp_path / name).touch()
    operator = SimpleNamespace(filepath=str(tmp_path / "take.csv"))
    assert take_import_operator._sounds_near(operator, bpy.context, "") == [str(tmp_path / "a.WAV")]


def test_the_operator_says_what_is_wrong(head, tmp_path):
    with pytest.raises(RuntimeError, match=r"cannot be read"):
        bpy.ops.facewright.import_take(filepath=str(tmp_path / "none.csv"))


@pytest.mark.parametrize("nothing", ["", "/"])
def test_no_file_is_refused_like_any_other_that_is_none(head, nothing):
    with pytest.raises(RuntimeError, match="Error: '': unknown ending"):
        bpy.ops.facewright.import_take(filepath=nothing)


@pytest.mark.parametrize(("base", "first"), [(1.0, 14401), (1.001, 14401)])
def test_ten_minutes_of_film_are_ten_minutes_of_its_own_count(head, settings, take, tmp_path, base, first):
    scene = bpy.context.scene
    scene.render.fps_base = base
    curves = formats.read(take)
    formats.write(tmp_path / "film.csv", curves, 24.0, 3600 + 600)
    order = take_import.Order(
        path=tmp_path / "film.csv", frame=1, align="TIMECODE", at="01:00:00:00", rate=None if base == 1 else 24 / base
    )
    take_import.run(scene, head, order, settings)
    assert keys_on(head, "jawOpen")[0, 0] == first


def test_a_capture_whose_sound_would_have_too_long_a_name_has_none(tmp_path: Path):
    assert take_import.sound_beside(tmp_path / f"{251 * 'a'}.csv") == ""
