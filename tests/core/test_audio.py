from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from addon.core.audio import RATE, Audio, open_sound, read
from addon.core.errors import AudioError


def tone(seconds: float, rate: int, hz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_every_format_and_rate_comes_out_as_the_same_tone_at_16_khz(tmp_path: Path, suffix: str, rate: int) -> None:
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, np.stack([tone(1.5, rate)] * 2, axis=1), rate)
    audio = read(path)
    assert audio.rate == RATE
    assert audio.samples.dtype == np.float32
    assert abs(len(audio.samples) - 24_000) < 2_500  # mp3 pads
    middle = audio.samples[8_000:16_000]
    assert np.abs(np.fft.rfft(middle)).argmax() == 220  # 440 Hz in half a second
    assert np.std(middle) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_opus_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.opus", tone(1.0, 16_000), 16_000, format="OGG", subtype="OPUS")
    assert len(read(tmp_path / "a.opus").samples) == pytest.approx(16_000, abs=400)


def test_blocks_join_to_what_is_resampled_at_once(tmp_path: Path) -> None:
    import soxr

    path = tmp_path / "a.wav"
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 200_000).astype(np.float32)
    soundfile.write(path, samples, 44_100, subtype="FLOAT")
    blocks = list(open_sound(path).blocks())
    assert len(blocks) > 3
    whole = soxr.resample(samples, 44_100, RATE, quality="HQ")
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-5)


def test_an_mp3_is_the_same_in_blocks_as_at_once_and_its_decoder_has_nothing_to_say(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    said = np.repeat(rng.random(120) < 0.6, 4_800)  # with pauses: what they leave over, frames after them use up
    soundfile.write(tmp_path / "a.mp3", 0.2 * said * rng.standard_normal(len(said)), RATE, bitrate_mode="VARIABLE")
    whole, _ = soundfile.read(tmp_path / "a.mp3", dtype="float32")
    capfd.readouterr()
    np.testing.assert_allclose(np.concatenate(list(open_sound(tmp_path / "a.mp3").blocks())), whole, atol=1e-5)
    assert capfd.readouterr().err == ""


def test_channels_are_averaged_not_summed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full((1_600, 6), 0.5), RATE)
    np.testing.assert_allclose(read(tmp_path / "a.wav").samples, 0.5, atol=1e-4)


def test_memory_is_read_like_a_file() -> None:
    assert len(read(Audio(tone(1.0, 48_000), 48_000)).samples) == RATE


def test_silence_is_no_error(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), RATE)
    assert not read(tmp_path / "a.wav").samples.any()


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_a_truncated_file_gives_what_is_there_and_a_note(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(16_000 * 12), RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    notes: list[str] = []
    audio = read_with_notes(path, notes)
    assert 3 < audio.duration_s < 8
    assert len(notes) == 1
    assert "cut short" in notes[0]


def test_a_whole_file_gives_no_note(tmp_path: Path) -> None:
    notes: list[str] = []
    for suffix in ("wav", "flac", "ogg", "mp3", "aiff"):
        soundfile.write(tmp_path / f"a.{suffix}", tone(12.0, 44_100), 44_100)
        read_with_notes(tmp_path / f"a.{suffix}", notes)
    assert notes == []


@pytest.mark.parametrize("size", [2**32 - 1, 0x7FFFF000])
def test_a_header_without_a_size_as_pipes_leave_it_is_whole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "piped.wav"
    soundfile.write(path, tone(1.0, RATE), RATE)
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = size.to_bytes(4, "little")
    path.write_bytes(data)
    notes: list[str] = []
    assert len(read_with_notes(path, notes).samples) == RATE
    assert notes == []


def read_with_notes(path: Path, notes: list[str]) -> Audio:
    return read(path, notes.append)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_is_refused_with_its_time(tmp_path: Path, bad: float) -> None:
    samples = np.zeros(160_000, np.float32)
    samples[[120_000, 130_000]] = bad
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"not a number at 7\.500 s"):
        read(tmp_path / "a.wav")


@pytest.mark.parametrize("pair", [(np.inf, -np.inf), (3e38, 3e38), (1e200, -1e200)])
def test_channels_that_have_no_mean_are_refused_without_a_warning(tmp_path: Path, pair: tuple[float, float]) -> None:
    samples = np.zeros((16_000, 2))
    samples[1_600] = pair
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="DOUBLE")
    with pytest.raises(AudioError, match=r"not a number at 0\.100 s"):
        read(tmp_path / "a.wav")


def test_integers_stored_as_floats_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0, RATE) * 32_768, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="full scale is 1"):
        read(tmp_path / "a.wav")


def test_sixty_four_channels_are_mixed_and_400_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "bed.wav", np.full((1_600, 64), 0.25), RATE)
    assert read(tmp_path / "bed.wav").samples[0] == pytest.approx(0.25, abs=1e-3)
    soundfile.write(tmp_path / "array.wav", np.zeros((1_600, 400)), RATE)
    with pytest.raises(AudioError, match=r"'array\.wav' has 400 channels"):
        open_sound(tmp_path / "array.wav")


def test_a_file_without_channels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.wav"
    soundfile.write(path, tone(1.0, RATE), RATE)
    data = bytearray(path.read_bytes())
    data[22:24] = b"\x00\x00"
    path.write_bytes(data)
    with pytest.raises(AudioError, match="no sound that can be decoded"):
        open_sound(path)


def test_a_rate_that_carries_no_speech_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "slow.wav", np.zeros(100), 1_000)
    with pytest.raises(AudioError, match="sampled at 1000 Hz"):
        open_sound(tmp_path / "slow.wav")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"not a sound at all" * 50, "no sound"),
        (b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 99, "no sound"),
    ],
)
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=says):
        open_sound(path)


def test_headerless_samples_are_refused(tmp_path: Path) -> None:
    (tmp_path / "line.raw").write_bytes(b"\x01" * 1_000)
    with pytest.raises(AudioError, match="no sound that can be decoded"):
        open_sound(tmp_path / "line.raw")


def test_zero_length_is_refused_in_a_file_and_in_memory(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0), RATE)
    with pytest.raises(AudioError, match="0 seconds long"):
        open_sound(tmp_path / "a.wav")
    with pytest.raises(AudioError, match="0 seconds long"):
        open_sound(Audio(np.zeros(0, np.float32), RATE))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="does not exist"):
        open_sound(tmp_path / "nothing.wav")
    with pytest.raises(AudioError, match="is a folder"):
        open_sound(tmp_path)


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="pipes have no names there")
def test_a_pipe_is_called_so_and_not_empty(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    read_end, write_end = os.pipe()  # what a shell makes of <(ffmpeg ...)
    for path in (tmp_path / "a.wav", Path(f"/dev/fd/{read_end}"), Path(os.devnull)):
        with pytest.raises(AudioError, match="is a pipe or a device; write its sound to a file and name that"):
            open_sound(path)
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize(
    "name", ["a b.wav", 'it\'s "so".wav', "line\nbreak\r.wav", "грüße 台詞 🎙.wav", "-o.wav", "%s.wav"]
)
def test_names_of_every_kind_are_read_and_shown_in_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    soundfile.write(os.fspath(path), tone(0.1, RATE), RATE)
    assert len(read(path).samples) == 1_600
    path.write_bytes(b"junk" * 30)
    with pytest.raises(AudioError) as refusal:
        open_sound(path)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name is text")
def test_a_name_in_no_encoding_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.1, RATE), RATE)
    path = (tmp_path / "a.wav").rename(tmp_path / os.fsdecode(b"gr\xfc\xdfe.wav"))
    assert len(read(path).samples) == 1_600


def test_a_name_longer_than_the_disk_allows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="cannot be read"):
        open_sound(tmp_path / ("n" * 300 + ".wav"))


def test_audio_in_memory_must_be_mono_float32() -> None:
    with pytest.raises(ValueError, match="need float32"):
        Audio(np.zeros((10, 2), np.float32), RATE)
    with pytest.raises(ValueError, match="rate"):
        Audio(np.zeros(10, np.float32), 0)


@pytest.mark.parametrize("seconds", [0.5, 4.096, 5.0])
def test_a_flac_that_was_written_to_a_pipe_is_whole_and_tells_its_length(tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(seconds, RATE), RATE)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # of STREAMINFO: the number of samples, 36 bits, and the checksum of all
    data[22:42] = bytes(20)
    path.write_bytes(data)
    notes: list[str] = []
    samples = read(path, notes.append).samples
    np.testing.assert_allclose(samples, tone(seconds, RATE), atol=1e-4)
    assert open_sound(path).duration_s == pytest.approx(seconds)
    assert notes == []


def test_a_flac_that_was_cut_gives_all_that_can_be_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 80_000).astype(np.float32)
    soundfile.write(path, noise, RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    notes: list[str] = []
    samples = read(path, notes.append).samples
    assert 35_000 < len(samples) <= 40_000
    np.testing.assert_allclose(samples, noise[: len(samples)], atol=1e-4)
    assert "is cut short" in notes[0]


def test_tracks_without_a_microphone_do_not_quieten_the_one_with_it(tmp_path: Path) -> None:
    tracks = np.zeros((RATE, 8), np.float32)
    tracks[:, 2] = tone(1.0, RATE)
    soundfile.write(tmp_path / "a.wav", tracks, RATE)
    np.testing.assert_allclose(read(tmp_path / "a.wav").samples, tone(1.0, RATE), atol=1e-4)


def test_channels_that_cancel_each_other_are_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([tone(1.0, RATE), -tone(1.0, RATE)], axis=1), RATE)
    notes: list[str] = []
    assert np.abs(read(tmp_path / "a.wav", notes.append).samples).max() < 1e-3
    assert "cancel each other" in notes[0]


@pytest.mark.parametrize(("kind", "suffix"), [("RF64", "rf64"), ("W64", "w64"), ("AU", "au")])
def test_long_formats_that_were_cut_are_told(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone(2.0, RATE), RATE, format=kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    notes: list[str] = []
    assert len(read(path, notes.append).samples) == pytest.approx(RATE, rel=0.01)
    assert "is cut short" in notes[0]


def test_a_wav_that_is_bw64_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1.0, RATE), RATE, format="RF64")
    path.write_bytes(b"BW64" + path.read_bytes()[4:])
    with pytest.raises(AudioError, match="'a.wav' is BW64, which is not read; make plain WAV"):
        open_sound(path)


def test_a_wav_that_was_never_finished_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1.0, RATE), RATE)
    data = path.read_bytes()
    path.write_bytes(data[:40] + bytes(4) + data[44:])
    with pytest.raises(AudioError, match="was never finished"):
        open_sound(path)
