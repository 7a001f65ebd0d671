"""Live Link takes as they come: from phones, spreadsheets, other clocks and other tools."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from addon.core import channels, formats
from addon.core.curves import Curves, lip_gap
from addon.core.errors import FormatError
from addon.core.formats import livelink_csv
from addon.core.formats.timecode import timecode
from addon.core.formats.timing import evened

Write = Callable[..., Path]


@pytest.fixture
def take(tmp_path: Path) -> Write:
    """Writes a table of timecodes and jawOpen (a ramp unless told), changed by `edit`."""

    def write(codes: Sequence[str], jaw: Sequence[float] | None = None, edit: Callable[[str], str] = str) -> Path:
        values = np.linspace(0, 1, len(codes)) if jaw is None else jaw
        rows = [f"{code},2,{value:.6f},0.25" for code, value in zip(codes, values, strict=True)]
        path = tmp_path / "take.csv"
        text = edit("\n".join(["Timecode,BlendShapeCount,JawOpen,MouthClose", *rows]) + "\n")
        path.write_bytes(text.encode("utf-8"))
        return path

    return write


def counted(rate: float, count: int, start_s: float = 0.0) -> list[str]:
    return [timecode(index, rate, start_s) for index in range(count)]


def drop_frame(index: int, base: int = 30) -> str:
    """The timecode of a frame at 29.97, by the rule of SMPTE: 00 and 01 are left out of all but every tenth minute.

    Or at 59.94, which leaves out twice as many.
    """
    left_out = base // 15
    tens, rest = divmod(index, 600 * base - 9 * left_out)
    index += 9 * left_out * tens
    index += left_out * ((rest - left_out) // (60 * base - left_out)) if rest >= left_out else 0
    seconds, frame = divmod(index, base)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d};{frame:02d}"


@pytest.mark.parametrize("first", [1_700, 16_000])  # the second goes through a tenth minute, which drops nothing
@pytest.mark.parametrize("separator", [";", ":"])
def test_drop_frame_timecode_runs_at_29_97(take: Write, separator: str, first: int) -> None:
    codes = [drop_frame(index).replace(";", separator) for index in range(first, first + 4_000)]
    assert sum("59" in code[6:8] and code.endswith("29") for code in codes) >= 2  # minutes that roll over
    recording = formats.record(take(codes))
    assert recording.curves.rate == pytest.approx(30_000 / 1_001)
    assert len(recording.curves.values) == 4_000
    assert recording.notes[1:] == ()  # nothing was dropped, only numbers
    assert not recording.is_slow


def test_drop_frame_timecode_of_60_runs_at_59_94(take: Write) -> None:
    recording = formats.record(take([drop_frame(index, 60) for index in range(3_000, 8_000)]))
    assert recording.curves.rate == pytest.approx(60_000 / 1_001)
    assert (len(recording.curves.values), recording.notes[1:]) == (5_000, ())


def test_timecode_that_drops_nothing_counts_whole_frames(take: Write) -> None:
    codes = counted(30.0, 4_000)
    recording = formats.record(take(codes))
    assert (recording.curves.rate, len(recording.curves.values)) == (30.0, 4_000)


@pytest.mark.parametrize(("counts", "runs"), [(24, 24_000 / 1_001), (30, 30_000 / 1_001), (60, 60_000 / 1_001)])
def test_a_rate_that_timecode_cannot_tell_may_be_given(take: Write, counts: float, runs: float) -> None:
    path = take(counted(counts, 200))
    assert formats.read(path).rate == counts
    assert formats.read(path, runs).rate == pytest.approx(runs)
    assert len(formats.read(path, runs).values) == 200


@pytest.mark.parametrize(("counts", "rate"), [(24, 24.0), (24, 23.976), (25, 25.0), (30, 29.97), (48, 48.0)])
def test_a_take_in_which_no_second_ends_counts_as_it_is_told(take: Write, counts: float, rate: float) -> None:
    path = take(counted(counts, 17))
    assert formats.read(path, rate).rate == pytest.approx(rate)
    assert formats.record(path, rate).notes[1:] == ()
    assert formats.read(path).rate == 60.0
    assert "no second ends in it; it is taken to count 60" in formats.record(path).notes[1]


@pytest.mark.parametrize("rate", [30.0, 60.0, None])
def test_the_apps_30_hz_counts_60_by_twos_however_short(take: Write, rate: float | None) -> None:
    path = take(counted(60.0, 40)[::2])
    assert (formats.read(path, rate).rate, len(formats.read(path, rate).values)) == (30.0, 20)


@pytest.mark.parametrize(("counts", "told"), [(60.0, 120.0), (60.0, 24.0), (24.0, 30.0), (25.0, 23.976)])
def test_a_rate_that_the_timecode_contradicts_is_left_aside_and_told(take: Write, counts: float, told: float) -> None:
    recording = formats.record(take(counted(counts, 200)), told)
    assert (recording.curves.rate, len(recording.curves.values)) == (counts, 200)
    assert recording.notes[1:] == (f"its timecode counts {counts:g} frames a second; {told:g} is left aside",)


@pytest.mark.parametrize("told", [30.0, 60.0, 29.97])
def test_a_rate_that_the_take_has_itself_needs_no_note(take: Write, told: float) -> None:
    codes = counted(60.0, 200)[::2] if told != 29.97 else counted(30.0, 200)
    assert formats.record(take(codes), told).notes[1:] == ()


@pytest.mark.parametrize(("runs", "counts"), [(23.976, 24), (29.97, 30), (59.94, 60), (24.0, 24), (None, 24)])
def test_a_take_begins_at_the_time_of_day_that_its_timecode_names(
    take: Write, tmp_path: Path, runs: float | None, counts: int
) -> None:
    recording = formats.record(take(counted(counts, 3 * counts, 36_000.0)), runs)
    assert (recording.start_s, recording.curves.rate) == (36_000.0, runs or counts)
    formats.write(tmp_path / "out.csv", recording.curves, recording.curves.rate, recording.start_s)
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("10:00:00:00.000,")


@pytest.mark.parametrize("runs", [None, 23.976])
def test_a_slow_take_over_midnight_is_one_piece(take: Write, runs: float | None) -> None:
    recording = formats.record(take(counted(24, 72, 86_398.0)), runs)
    assert (recording.start_s, len(recording.curves.values), recording.notes[1:]) == (86_398.0, 72, ())


def test_drop_frame_begins_where_it_says_and_misses_nothing_over_midnight(take: Write) -> None:
    day = 24 * 6 * 17_982  # frames
    codes = [drop_frame(index % day) for index in range(day - 60, day + 2_000)]
    recording = formats.record(take(codes))
    assert codes[60] == "00:00:00;00"
    assert (recording.start_s, len(recording.curves.values)) == (86_398.0, 2_060)
    assert recording.notes[1:] == ()
    ten = [drop_frame(10 * 6 * 17_982 + index) for index in range(90)]
    assert (ten[0], formats.record(take(ten)).start_s) == ("10:00:00;00", 36_000.0)


def test_subframes_of_a_slower_timecode_tell_the_cameras_rate(take: Write) -> None:
    codes = [f"01:00:{index // 60:02d}:{(index % 60) * 0.4:06.3f}" for index in range(180)]
    recording = formats.record(take(codes))
    assert (recording.curves.rate, len(recording.curves.values)) == (60.0, 180)
    assert recording.start_s == 3600.0


def test_a_clock_that_runs_slow_loses_no_row_and_stays_in_sync(take: Write) -> None:
    rate = 59.88  # what the app's 60 Hz really is
    times = np.arange(6_000) / rate
    codes = [f"00:{int(t) // 60:02d}:{int(t) % 60:02d}:{t % 1 * 60:06.3f}" for t in times]
    jaw = np.random.default_rng(1).uniform(0, 1, 6_000).round(6)
    curves = formats.read(take(codes, jaw))
    assert curves.rate == 60.0
    assert curves.duration_s == pytest.approx(times[-1], abs=1 / 30)
    assert set(jaw.astype(np.float32).tolist()) <= set(curves.column("jawOpen").tolist())


def test_rows_at_uneven_times_are_resampled_and_closures_kept(take: Write) -> None:
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.uniform(0.02, 0.06, 400))
    codes = [f"00:00:{int(t):02d}:{t % 1 * 60:06.3f}" for t in times]
    jaw = np.where(np.arange(400) % 40 == 20, 0.25, 0.6)
    curves = formats.read(take(codes, jaw))
    assert curves.duration_s == pytest.approx(times[-1] - times[0], abs=0.1)
    assert ((lip_gap(curves)[1:] < 1e-6) & (lip_gap(curves)[:-1] >= 1e-6)).sum() == 10


def test_dropped_frames_are_told_and_bridged_and_the_others_kept_to_the_bit(take: Write) -> None:
    jaw = np.random.default_rng(3).uniform(0, 1, 240).round(6)
    gone = [30, 31, 32, 100, 181]
    path = take(np.delete(counted(60.0, 240), gone).tolist(), np.delete(jaw, gone).tolist())
    recording = formats.record(path)
    assert "5 of 240 frames were dropped and are bridged" in recording.notes
    column = recording.curves.column("jawOpen")
    np.testing.assert_array_equal(np.delete(column, gone), np.delete(jaw, gone).astype(np.float32))
    assert column[31] == pytest.approx((jaw[29] + jaw[33]) / 2, abs=1e-6)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", ";").replace(".", ","),
        lambda text: "\n".join(";".join(f'"{c}"' for c in line.split(",")) for line in text.splitlines()),
        lambda text: "\n".join(
            ",".join(f'"{c.replace(".", ",")}"' for c in row.split(",")) for row in text.split("\n")
        ),
        lambda text: text.replace("\n", ",\n"),
        lambda text: text.replace(",", " , ").replace("\n", "\n\n"),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("BlendShapeCount", "BlendshapeCount").replace("JawOpen", "jawopen"),
        lambda text: text.replace(",2,", ",a note,"),
    ],
    ids="mark crlf cr semicolons tabs decimal-commas quotes quoted-commas ends blanks no-end spelling words".split(),
)
def test_a_take_reads_the_same_however_it_was_saved(take: Write, edit: Callable[[str], str]) -> None:
    codes = counted(60.0, 90, 10.5 / 60)
    plain = formats.record(take(codes))
    saved = formats.record(take(codes, edit=edit))
    np.testing.assert_array_equal(saved.curves.select(("jawOpen", "mouthClose")).values, plain.curves.values)
    assert (saved.curves.rate, saved.start_s) == (plain.curves.rate, plain.start_s) == (60.0, pytest.approx(0.175))


def test_a_spreadsheets_unicode_text_is_read(take: Write) -> None:
    path = take(counted(30.0, 60))
    plain = formats.read(path)
    path.write_bytes(path.read_text().replace(",", "\t").encode("utf-16"))
    np.testing.assert_array_equal(formats.read(path).values, plain.values)


def test_rows_without_a_face_are_told_and_bridged(take: Write) -> None:
    def lose(text: str) -> str:
        lines = text.splitlines()
        lines[10:13] = [line.split(",")[0] + ",0" for line in lines[10:13]]
        lines[20] = lines[20].split(",")[0] + ",0,,"
        return "\n".join(lines)

    recording = formats.record(take(counted(60.0, 90), edit=lose))
    assert "no face in 4 rows; they are bridged" in recording.notes
    np.testing.assert_allclose(recording.curves.column("jawOpen"), np.linspace(0, 1, 90), atol=1e-5)


def test_a_last_row_that_was_cut_off_is_left_out(take: Write) -> None:
    recording = formats.record(take(counted(60.0, 90), edit=lambda text: text[:-12]))
    assert "its last row is cut off and left out" in recording.notes
    assert len(recording.curves.values) == 89


def test_missing_and_foreign_columns_are_told(take: Write) -> None:
    recording = formats.record(take(counted(60.0, 90), edit=lambda text: text.replace("MouthClose", "Note")))
    assert recording.curves.names == ("jawOpen",)
    assert "no column for eyeBlinkLeft" in recording.notes[0]
    assert recording.notes[1] == "columns left out: Note"


def test_a_row_that_repeats_a_timecode_replaces_the_other(take: Write) -> None:
    codes = counted(60.0, 6)
    path = take([*codes[:3], *codes[2:]], jaw=[0.0, 0.1, 0.2, 0.7, 0.3, 0.4, 0.5])
    recording = formats.record(path)
    np.testing.assert_allclose(recording.curves.column("jawOpen"), [0, 0.1, 0.7, 0.3, 0.4, 0.5], atol=1e-6)
    assert "1 rows repeat a timecode; the last of each counts" in recording.notes


def test_a_row_that_comes_late_by_a_moment_is_put_in_its_place(take: Write) -> None:
    codes = counted(60.0, 6)
    codes[2], codes[3] = codes[3], codes[2]
    recording = formats.record(take(codes, jaw=[0.0, 0.1, 0.3, 0.2, 0.4, 0.5]))
    np.testing.assert_allclose(recording.curves.column("jawOpen"), [0, 0.1, 0.2, 0.3, 0.4, 0.5], atol=1e-6)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda text: text.replace("JawOpen,MouthClose", "Jaw,Lips"), "must name Timecode and shapes"),
        (lambda text: text.replace("Timecode", "Clock"), "must name Timecode and shapes"),
        (lambda text: text.replace("00:00:00:30.000", "00:00:61:30.000"), "line 32: timecode '00:00:61:30.000'"),
        (lambda text: text.replace("00:00:00:30.000", "00:00:60:30.000"), "line 32: timecode '00:00:60:30.000'"),
        (lambda text: text.replace("00:00:00:30.000", "noon"), "line 32: timecode 'noon'"),
        (lambda text: text.replace("00:00:00:30.000,2,", "00:00:00:30.000,"), "line 32: 3 cells, where the first"),
        (lambda text: text.replace("00:00:00:30.000", "0.5"), "mixes timecodes and seconds"),
        (
            lambda text: text.replace("00:00:00:30.000", "04:00:00:30.000"),
            "line 32: the timecode jumps by more than an",
        ),
        (
            lambda text: text.replace("00:00:00:30.000,2,", "00:00:00:30.000,2,0.5,"),
            "line 32: 5 cells, where the first",
        ),
        (lambda text: text.replace("0.", "0,"), "decimal points, or semicolons"),
        (lambda text: text.replace("00:00:00:30.000,2,", "00:00:00:30.000,2,nan"), "line 32: JawOpen is 'nan0.337079'"),
        (lambda text: text.replace("0.337079", "inf"), "line 32: JawOpen is 'inf', not a number"),
        (lambda text: text.replace("0.337079", "1e99"), "line 32"),
        (lambda text: text.replace("0.337079", ""), "line 32: JawOpen is empty"),
        (lambda text: text.replace("0.337079", '"0.337079'), "a quotation mark is missing"),
        (lambda text: text.replace("\n00:00:01:10.000", "\n00:00:05:00.000"), "goes back; split the file"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_names_the_row(take: Write, edit: Callable[[str], str], says: str) -> None:
    with pytest.raises(FormatError) as refusal:
        formats.read(take(counted(60.0, 90), edit=edit))
    assert says in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (["0", "16.7", "33.3"], "its rows lie 16.65 s apart; write its times in seconds"),
        (["0", "3000", "6000"], "its rows lie 3000 s apart"),
        (["0", "1e-9"], "its rows lie 1e-09 s apart"),
        (["1e308", "-1e308"], "line 2: timecode '1e308' is not"),
    ],
)
def test_times_in_another_unit_are_told(take: Write, times: list[str], says: str) -> None:
    with pytest.raises(FormatError, match=says):
        formats.read(take(times))


def test_three_rows_of_which_some_were_dropped_keep_their_rate(take: Write) -> None:
    recording = formats.record(take(["0", "0.016667", "0.2"]))
    assert (recording.curves.rate, len(recording.curves.values)) == (60.0, 13)


def test_seconds_and_audio2face_3d_columns_are_read(tmp_path: Path) -> None:
    rows = [f"{index},{index * 1001 / 30000:.6f},{index / 100},0.1" for index in range(100)]
    header = ",timeCode,blendShapes.JawOpen,blendShapes.MouthClose"
    (tmp_path / "animation_frames.csv").write_text("\n".join([header, *rows]))
    recording = formats.record(tmp_path / "animation_frames.csv")
    assert (recording.curves.rate, recording.start_s) == (pytest.approx(30_000 / 1_001), None)
    np.testing.assert_allclose(recording.curves.column("jawOpen"), np.arange(100) / 100, atol=1e-6)


def test_what_a_capture_says_is_kept_even_where_lips_close_beyond_the_jaw(take: Write) -> None:
    jaw = np.full(60, 0.1)
    curves = formats.read(take(counted(60.0, 60), jaw))
    assert lip_gap(curves) == pytest.approx(-0.15, abs=1e-6)


def test_half_a_million_rows_are_read_in_little_more_memory_than_their_values(tmp_path: Path) -> None:
    rows = 500_000
    channel_count = 4
    path = tmp_path / "long.csv"
    names = ",".join(name for name in livelink_csv.HEADER[2 : 2 + channel_count])
    with path.open("w") as file:
        file.write(f"Timecode,BlendShapeCount,{names}\n")
        for second in range(-(-rows // 60)):
            at = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            frames = range(min(60, rows - second * 60))
            file.write("".join(f"{at}:{frame:02d}.000,{channel_count},0.1,0.2,0.3,0.4\n" for frame in frames))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    curves = formats.read(path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert curves.values.shape == (rows, channel_count)
    kib = grown / (1024 if sys.platform == "darwin" else 1)
    assert kib * 1024 < 250e6  # the table as Python objects would take five times that


def test_every_channel_of_a_real_header_is_carried() -> None:
    assert set(channels.ALL) < set(livelink_csv.CARRIED)


def test_rows_that_come_in_a_crowd_hold_up_none_that_follow() -> None:
    rows = np.sort(np.concatenate([np.arange(200.0), [100.1, 100.2, 100.3]]))
    even = evened(rows / 60, rows[:, np.newaxis].astype(np.float32), ("jawOpen",), 60.0)
    np.testing.assert_allclose(even.curves.values[:, 0], np.arange(200), atol=0.5)


def test_rows_that_are_spread_over_days_are_refused_before_what_lies_between_fills_the_memory(take: Write) -> None:
    times = [f"{3500 * (number // 2) + 0.0001 * (number % 2):.4f}" for number in range(60)]
    with pytest.raises(FormatError, match="60 rows are spread over 1015000001 at 10000 a second; split the file"):
        formats.read(take(times))


@pytest.mark.parametrize("value", ["3e38", "-2e9", "inf", "1e400"])
def test_a_value_that_no_key_could_have_is_named_and_refused(take: Write, value: str) -> None:
    with pytest.raises(FormatError, match=f"line 3: JawOpen is '{value}', not a number up to 1e.09"):
        formats.read(take(["00:00:00:00", "00:00:00:01"], edit=lambda text: text.replace("1.000000", value)))


@pytest.mark.parametrize("rate", [24.5, 49.5, 59.5])
def test_a_rate_beside_a_usual_one_is_read_as_it_was_written(tmp_path: Path, rate: float) -> None:
    values = np.random.default_rng(0).uniform(0, 1, (120, 1)).astype(np.float32)
    formats.write(tmp_path / "a.csv", Curves(values, ("jawOpen",), rate), rate)
    recording = formats.record(tmp_path / "a.csv")
    assert (recording.curves.rate, recording.notes) == (rate, ())
    np.testing.assert_allclose(recording.curves.column("jawOpen"), values[:, 0], atol=1e-9)


def test_two_rows_caught_within_one_frame_both_keep_their_values() -> None:
    at = np.array([0, 1, 2, 2.1, 3.1, 6, 7])  # frames
    values = np.arange(7, dtype=np.float32)[:, np.newaxis]
    even = evened(at / 60, values, ("jawOpen",), 60.0)
    assert even.curves.values[:, 0].tolist() == [0, 1, 2, 3, 4, 4.5, 5, 6]
    assert even.bridged == 1
