"""Captured curves as a performance: completed, limited, cut to time, and layered."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from addon.core import capture, channels
from addon.core.curves import Curves
from addon.core.formats.timecode import of_day
from addon.core.formats.wave_time import start_of_sound
from addon.core.heard import Heard
from addon.core.layers.blink import GIVING_WAY
from addon.core.prosody import Prosody
from addon.core.settings import Settings


def captured(rows: int = 240, rate: float = 60.0) -> Curves:
    values = np.random.default_rng(6).uniform(0, 1, (rows, len(channels.ALL))).astype(np.float32)
    return Curves(values, channels.ALL, rate)


@pytest.mark.parametrize("side", ["left", "right"])
def test_shapes_and_angles_of_the_eyes_follow_from_each_other(side: str) -> None:
    ending = side.capitalize()
    outward = 1 if side == "right" else -1  # the character's right is positive, and out for the right eye
    shapes = (f"eyeLookOut{ending}", f"eyeLookDown{ending}")
    curves = Curves(np.array([[0.5, 0.2], [0.0, 0.0]], np.float32), shapes, 60.0)
    both = capture.with_both_gazes(curves)
    assert both.column(f"{side}EyeYaw") == pytest.approx([outward * 0.5 * channels.EYE_UNIT_RAD, 0])
    assert both.column(f"{side}EyePitch") == pytest.approx([0.2 * channels.EYE_UNIT_RAD, 0])
    again = capture.with_both_gazes(both.select((f"{side}EyeYaw", f"{side}EyePitch")))
    np.testing.assert_allclose(again.select(shapes).values, curves.values, atol=1e-6)
    assert not again.column(f"eyeLookIn{ending}").any()


def test_eyes_that_have_both_stay_as_they_are() -> None:
    curves = captured()
    assert capture.with_both_gazes(curves).names == curves.names
    np.testing.assert_array_equal(capture.with_both_gazes(curves).values, curves.values)


def test_lips_close_no_further_than_the_jaw_is_open_if_asked() -> None:
    curves = captured()
    limited = capture.closed_no_further_than_the_jaw(curves)
    assert (limited.column("mouthClose") <= curves.column("jawOpen")).all()
    others = [name for name in channels.ALL if name != "mouthClose"]
    np.testing.assert_array_equal(limited.select(others).values, curves.select(others).values)
    alone = curves.select(("mouthClose",))
    assert capture.closed_no_further_than_the_jaw(alone) is alone


def test_curves_from_a_time_on_begin_with_the_nearest_row() -> None:
    curves = captured()
    np.testing.assert_array_equal(capture.from_s(curves, 0.51).values, curves.values[31:])
    assert not len(capture.from_s(curves, 10.0).values)
    assert len(capture.from_s(curves, 0.0).values) == 240


@pytest.mark.parametrize("layer", list(capture.LAYERS))
def test_a_layer_touches_its_own_channels_only(layer: str) -> None:
    curves = captured()
    laid = capture.with_layers(curves, {layer}, Settings(), None, 0.0)
    own = capture.LAYERS[layer]
    weakened = GIVING_WAY if layer == capture.BLINKS else ()
    others = [name for name in channels.ALL if name not in (*own, *weakened)]
    np.testing.assert_array_equal(laid.select(others).values, curves.select(others).values)
    if layer == capture.BLINKS:
        assert (laid.select(own).values >= curves.select(own).values).all()
    else:
        assert not np.array_equal(laid.select(own).values, curves.select(own).values)


def test_eyes_without_a_head_of_their_own_answer_the_captured_head() -> None:
    still = captured()
    yaw = 0.2 * np.sin(np.arange(240) / 240 * 2 * np.pi).astype(np.float32)
    eyes = [
        capture.with_layers(still.with_columns({"headYaw": turn}), {"GAZE"}, Settings(), None, 0.0).column("leftEyeYaw")
        for turn in (np.zeros_like(yaw), yaw)
    ]
    np.testing.assert_allclose(eyes[1] + yaw, eyes[0], atol=0.01)


@pytest.mark.parametrize("beside", [(), ("GAZE",)])
def test_what_moves_lids_in_a_capture_gives_way_to_blinks_that_are_laid_on_it(beside: tuple[str, ...]) -> None:
    names = ("eyeBlinkLeft", "eyeSquintLeft", "eyeLookDownLeft", "leftEyePitch")
    still = Curves(np.tile(np.float32([0, 0.5, 0.4, 0.24]), (1_800, 1)), names, 60.0)
    laid = capture.with_layers(still, {"BLINKS", *beside}, Settings(), None, 0.0)
    shut = laid.column("eyeBlinkLeft")
    assert (shut > 0.999).sum() > 3
    for name in names[1:3]:
        assert laid.column(name)[shut > 0.999].max() < 1e-3
    assert (laid.column("eyeSquintLeft")[shut == 0] == 0.5).all()
    if not beside:
        assert (laid.column("eyeLookDownLeft")[shut == 0] == np.float32(0.4)).all()
        assert (laid.column("leftEyePitch") == np.float32(0.24)).all()


def test_no_layer_and_no_rows_change_nothing() -> None:
    curves = captured()
    assert capture.with_layers(curves, (), Settings(), None, 0.0) is curves
    assert not len(capture.with_layers(captured(0), {"HEAD"}, Settings(), None, 0.0).values)


def test_layers_follow_the_sound_where_the_capture_begins_in_it() -> None:
    t = np.arange(500) / 50
    pitch = np.where((t > 5.0) & (np.sin(2 * np.pi * 2 * t) > 0), 160 + 60 * np.sin(2 * np.pi * t), 0)
    voice = Prosody(np.where(pitch > 0, -15, -80).astype(np.float32), pitch.astype(np.float32))
    heard = Heard(Curves(np.zeros((500, 1), np.float32), ("jawOpen",), 50.0), voice)
    still = Curves(np.zeros((180, 1), np.float32), ("jawOpen",), 60.0)
    silent = capture.with_layers(still, {"BROWS"}, Settings(), heard, 0.0)
    spoken = capture.with_layers(still, {"BROWS"}, Settings(), heard, 6.0)
    assert np.ptp(spoken.column("browInnerUp")) > 10 * np.ptp(silent.column("browInnerUp"))


def test_the_time_of_day_of_a_broadcast_wave_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 48_000)
    assert start_of_sound(tmp_path / "a.wav") is None
    data = (tmp_path / "a.wav").read_bytes()
    bext = bytes(338) + struct.pack("<Q", 46_984 * 48_000 + 24_000) + bytes(257)  # of odd length, so a byte follows
    chunk = b"bext" + struct.pack("<I", len(bext)) + bext + b"\0"
    (tmp_path / "a.wav").write_bytes(data[:12] + chunk + data[12:])
    assert start_of_sound(tmp_path / "a.wav") == 46_984.5
    without_a_clock = chunk.replace(bext[338:346], bytes(8))
    (tmp_path / "a.wav").write_bytes(data[:12] + without_a_clock + data[12:])
    assert start_of_sound(tmp_path / "a.wav") is None


@pytest.mark.parametrize(
    ("rate", "flag", "start_s"),
    [("24000/1001", "NDF", 36_000.0), ("30000/1001", "DF", 36_036.0), ("25/1", "NDF", 36_036.0)],
)
def test_a_recorder_that_counts_slowly_names_the_time_of_its_timecode(
    tmp_path: Path, rate: str, flag: str, start_s: float
) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 48_000)
    told = f"<SPEED><TIMECODE_RATE>{rate}</TIMECODE_RATE><TIMECODE_FLAG>{flag}</TIMECODE_FLAG></SPEED>".encode()
    bext = bytes(338) + struct.pack("<Q", 36_036 * 48_000) + bytes(256)
    chunks = [(b"bext", bext), (b"iXML", told + b" " * (len(told) % 2))]
    data = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(data + b"".join(name + struct.pack("<I", len(x)) + x for name, x in chunks))
    assert start_of_sound(tmp_path / "a.wav") == pytest.approx(start_s, abs=1e-6)


@pytest.mark.parametrize(("counts", "start_s"), [(23.976, 36_000), (24.0, 36_036), (29.97, 36_036), (None, 36_036)])
def test_a_recorder_that_does_not_say_counts_as_it_is_told(
    tmp_path: Path, counts: float | None, start_s: float
) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 48_000)
    bext = bytes(338) + struct.pack("<Q", 36_036 * 48_000) + bytes(256)
    with (tmp_path / "a.wav").open("ab") as file:
        file.write(b"bext" + struct.pack("<I", len(bext)) + bext)
    assert start_of_sound(tmp_path / "a.wav", counts) == pytest.approx(start_s, abs=1e-6)


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEbext\xff\xff\xff\xff", b"OggS" * 9]
)
def test_sounds_without_a_time_have_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    assert start_of_sound(tmp_path / "a.wav") is None
    assert start_of_sound(tmp_path / "none.wav") is None


def test_a_timecode_is_a_time_of_day() -> None:
    assert of_day(" 13:03:04:12 ", 24.0) == 46_984.5
    assert of_day("13:03:04:15", 30_000 / 1_001) == 46_984.5
    assert of_day("13:93:04:15", 24.0) is None
    assert of_day("noon", 24.0) is None


@pytest.mark.parametrize(
    ("text", "rate"),
    [("24:00:00:00", 24.0), ("10:00:00:24", 24.0), ("10:00:00:30", 30_000 / 1_001), ("86400", 24.0), ("-1", 24.0)],
)
def test_a_timecode_that_no_day_has_is_none(text: str, rate: float) -> None:
    assert of_day(text, rate) is None


def test_the_last_timecode_of_a_day_is_one() -> None:
    assert of_day("23:59:59:23", 24.0) == pytest.approx(86_400 - 1 / 24)
    assert of_day("23:59:59:29", 30_000 / 1_001) == pytest.approx(86_400 - 1 / 30)
