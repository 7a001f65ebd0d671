from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from addon.core import channels
from addon.core.curves import Curves, lip_gap
from addon.core.errors import FormatError
from addon.core.formats import livelink_csv

REAL_TAKES = Path(__file__).parents[4] / "shared" / "reference" / "livelink"

# The header of a real raw take of the app, letter by letter.
REAL_HEADER = (
    "Timecode,BlendShapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,"
    "EyeWideLeft,EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,"
    "EyeWideRight,JawForward,JawRight,JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,"
    "MouthSmileLeft,MouthSmileRight,MouthFrownLeft,MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,"
    "MouthStretchRight,MouthRollLower,MouthRollUpper,MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,"
    "MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,"
    "BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,CheekSquintRight,NoseSneerLeft,NoseSneerRight,"
    "TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,RightEyeYaw,RightEyePitch,RightEyeRoll"
)


@pytest.fixture
def curves() -> Curves:
    values = np.random.default_rng(2).uniform(0, 1, (130, len(channels.ALL))).astype(np.float32)
    return Curves(values, channels.ALL, 60.0)


def test_a_take_has_the_apps_columns_and_decimals(tmp_path: Path, curves: Curves) -> None:
    livelink_csv.write(tmp_path / "a.csv", curves)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == REAL_HEADER
    assert len(lines) == 131
    assert re.fullmatch(r"00:00:00:00\.000,61(,-?\d\.\d{10}){61}", lines[1])
    assert lines[61].startswith("00:00:01:00.000,61,")


def test_what_is_written_is_read_back(tmp_path: Path, curves: Curves) -> None:
    livelink_csv.write(tmp_path / "a.csv", curves, start_s=43_200.0)
    back = livelink_csv.read(tmp_path / "a.csv").curves
    assert back.rate == 60.0
    np.testing.assert_allclose(back.select(channels.ALL).values, curves.values, atol=1e-6)


@pytest.mark.parametrize(
    ("rate", "index", "code"),
    [
        (60.0, 59, "00:00:00:59.000"),
        (60.0, 60, "00:00:01:00.000"),
        (24_000 / 1_001, 24, "00:00:01:00.000"),
        (30_000 / 1_001, 29, "00:00:00:29.000"),
        (25.0, 25 * 3_661, "01:01:01:00.000"),
        (1.0, 5, "00:00:05:00.000"),
        (240.0, 239, "00:00:00:239.000"),
    ],
)
def test_timecodes_count_whole_frames(rate: float, index: int, code: str) -> None:
    assert livelink_csv.timecode(index, rate) == code


@pytest.mark.parametrize("rate", [1.5, 12.5, 33.3, 62.5])
def test_at_a_rate_that_no_timecode_counts_the_time_is_real(tmp_path: Path, rate: float) -> None:
    assert livelink_csv.timecode(int(rate * 4) + 1, rate)[:8] == "00:00:04"
    ramp = np.linspace(0, 1, 500, dtype=np.float32)[:, np.newaxis]
    livelink_csv.write(tmp_path / "a.csv", Curves(ramp, ("jawOpen",), 50.0), rate)
    assert livelink_csv.read(tmp_path / "a.csv").curves.duration_s == pytest.approx(10.0, abs=1.5 / rate)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("rate", [1.5, 7.5, 12.5, 33.3, 62.5])
def test_at_a_rate_that_no_timecode_counts_rows_come_back_as_written(tmp_path: Path, rate: float, told: bool) -> None:
    jaw = np.random.default_rng(0).random((400, 1), np.float32)
    livelink_csv.write(tmp_path / "a.csv", Curves(jaw, ("jawOpen",), rate), rate, 36_000.5)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    back = livelink_csv.read(tmp_path / "a.csv", rate if told else None)
    assert (back.curves.rate, back.start_s) == (rate, pytest.approx(36_000.5, abs=1e-3))
    np.testing.assert_allclose(back.curves.column("jawOpen"), jaw[:, 0], atol=1e-6)
    (tmp_path / "a.csv").write_text("\n".join(lines[:200] + lines[203:]) + "\n")
    dropped = livelink_csv.read(tmp_path / "a.csv").curves
    np.testing.assert_allclose(dropped.column("jawOpen")[202:], jaw[202:, 0], atol=1e-6)


def test_a_timecode_carries_the_fraction_of_its_frame_and_passes_midnight() -> None:
    assert livelink_csv.timecode(0, 60.0, 10.5 / 60) == "00:00:00:10.500"
    assert livelink_csv.timecode(60, 60.0, 86_399.0) == "00:00:00:00.000"


@pytest.mark.parametrize("rate", [24.0, 25.0, 30.0, 60.0, 120.0])
def test_the_rate_is_found_from_the_timecodes(tmp_path: Path, curves: Curves, rate: float) -> None:
    livelink_csv.write(tmp_path / "a.csv", curves, rate)
    back = livelink_csv.read(tmp_path / "a.csv").curves
    assert back.rate == rate
    assert back.duration_s == pytest.approx(curves.duration_s, abs=1.5 / rate)


@pytest.mark.parametrize("spelling", ["BlendShapeCount", "BlendshapeCount"])
def test_columns_are_found_by_name_in_both_spellings_and_any_order(
    tmp_path: Path, curves: Curves, spelling: str
) -> None:
    livelink_csv.write(tmp_path / "a.csv", curves)
    lines = [line.split(",") for line in (tmp_path / "a.csv").read_text().splitlines()]
    lines[0][1] = spelling
    apple = [0, 1, *(2 + livelink_csv.ORDER.index(name) for name in channels.ARKIT), *range(54, 63)]
    swapped = "\r\n".join(",".join(line[i] for i in apple) for line in lines)
    (tmp_path / "b.csv").write_text("\ufeff" + swapped, encoding="utf-8")
    back = livelink_csv.read(tmp_path / "b.csv").curves
    assert back.names.index("jawLeft") < back.names.index("jawRight")
    np.testing.assert_allclose(back.select(channels.ALL).values, curves.values, atol=1e-6)


def test_dropped_frames_are_bridged_and_frames_without_a_face_left_out(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 121, dtype=np.float32)[:, np.newaxis]
    livelink_csv.write(tmp_path / "a.csv", Curves(ramp, ("jawOpen",), 60.0))
    lines = (tmp_path / "a.csv").read_text().splitlines()
    lines[40] = lines[40].split(",")[0] + ",0"
    del lines[70:75]
    (tmp_path / "b.csv").write_text("\n".join(lines))
    back = livelink_csv.read(tmp_path / "b.csv").curves
    assert back.rate == 60.0
    np.testing.assert_allclose(back.column("jawOpen"), ramp[:, 0], atol=1e-4)


def test_a_take_over_midnight_is_one_piece(tmp_path: Path, curves: Curves) -> None:
    livelink_csv.write(tmp_path / "a.csv", curves, start_s=86_399.0)
    assert livelink_csv.read(tmp_path / "a.csv").curves.values.shape[0] == 130


def test_writing_at_a_lower_rate_keeps_closures(tmp_path: Path) -> None:
    close = np.zeros(100, np.float32)
    close[51] = 0.4
    speech = Curves(np.stack([np.full(100, 0.4, np.float32), close], axis=1), ("jawOpen", "mouthClose"), 50.0)
    livelink_csv.write(tmp_path / "a.csv", speech, 24.0)
    assert lip_gap(livelink_csv.read(tmp_path / "a.csv").curves).min() < 1e-6


def test_no_rows_is_a_file_with_a_header(tmp_path: Path) -> None:
    livelink_csv.write(tmp_path / "a.csv", Curves(np.zeros((0, 1), np.float32), ("jawOpen",), 60.0))
    assert (tmp_path / "a.csv").read_text() == REAL_HEADER + "\n"
    assert livelink_csv.read(tmp_path / "a.csv").curves.values.shape == (0, 61)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "a,b,c\n1,2,3\n",
        "Timecode,JawOpen\nnoon,0.5\n",
        "Timecode,JawOpen\n00:00:00:00.0,wide\n",
        "Timecode,JawOpen\n00:00:00:00.0,nan\n",
    ],
)
def test_other_tables_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd\nname.csv").write_text(text)
    with pytest.raises(FormatError) as refusal:
        livelink_csv.read(tmp_path / "odd\nname.csv")
    assert len(str(refusal.value).splitlines()) == 1


def test_bytes_that_are_no_text_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00\x81" * 50)
    with pytest.raises(FormatError, match="Live Link"):
        livelink_csv.read(tmp_path / "a.csv")
    with pytest.raises(FormatError, match="cannot be read"):
        livelink_csv.read(tmp_path / "none.csv")


@pytest.mark.skipif(not REAL_TAKES.is_dir(), reason="real Live Link Face takes are not at hand")
def test_real_takes_are_read() -> None:
    for path in sorted(REAL_TAKES.glob("*.csv")):
        assert path.read_text().splitlines()[0] == REAL_HEADER
        take = livelink_csv.read(path).curves
        assert take.rate == 30.0  # timecodes count 60 and step by two
        assert len(take.values) == pytest.approx(200, abs=12)
        assert take.select(channels.ARKIT).values.min() >= 0
        down = take.column("eyeLookDownLeft") - take.column("eyeLookUpLeft")
        slope = np.polyfit(down, take.column("leftEyePitch"), 1)[0]
        assert slope == pytest.approx(channels.EYE_UNIT_RAD, rel=0.02)
        right = take.column("eyeLookInLeft") - take.column("eyeLookOutLeft")
        assert np.polyfit(right, take.column("leftEyeYaw"), 1)[0] > 0.5


def test_the_order_holds_every_channel(made_prosody: Callable[[int], object]) -> None:
    assert set(channels.ALL) < set(livelink_csv.ORDER)
    assert len(livelink_csv.HEADER) == 63


def test_a_column_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Timecode,JawOpen,jawOpen\n00:00:00:00.0,0.25,0.5\n")
    take = livelink_csv.read(tmp_path / "a.csv").curves
    assert (take.names, take.values.tolist()) == (("jawOpen",), [[0.5]])
