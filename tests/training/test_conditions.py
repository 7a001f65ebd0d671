"""What recordings meet: every condition is what its name says, and the same each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile

from addon.core.audio import RATE
from model_training import conditions, corpora, espeak, noises
from model_training.conditions import heard_as
from model_training.corpora import CorpusError
from model_training.noises import Crowd, speech_level


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """A spoken line at 16 kHz, with silence around it."""
    samples, rate, _ = espeak.speak("Bob and Mabel put a pebble by the pump.", "en-us")
    return np.pad(0.5 * conditions.soxr.resample(samples, rate, RATE), RATE // 2).astype(np.float32)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    """Seven people, one line each."""
    folder = tmp_path_factory.mktemp("crowd")
    spoken = []
    for number, voice in enumerate(("en-us", "en-us+f2", "en-us+m3", "en-us+f4", "en-us+m7", "en-us+f5", "en-us+m1")):
        samples, rate, _ = espeak.speak("We would wash one wool shirt a week.", voice)
        soundfile.write(folder / f"{number}.wav", samples, rate)
        spoken.append(
            corpora.Utterance(f"{number}.wav", folder / f"{number}.wav", 2.0, voice, "en-US", "CC0-1.0", "words")
        )
    return Crowd.of(spoken)


@pytest.mark.parametrize("name", [*conditions.DEFAULT, "music0", "hiss-5"])
def test_a_condition_is_the_same_every_time_and_as_long_as_the_line(
    name: str, speech: np.ndarray, crowd: Crowd
) -> None:
    first, second = (heard_as(name, speech, "a/1.wav", "ann", crowd) for _ in range(2))
    assert first.dtype == np.float32
    assert first.shape == speech.shape
    assert np.isfinite(first).all()
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", ["music10", "babble10", "fan10", "hiss0"])
def test_noise_lies_as_far_below_speech_as_its_name_says(name: str, speech: np.ndarray, crowd: Crowd) -> None:
    noise = heard_as(name, speech, "a/1.wav", "ann", crowd) - speech
    above_db = 20 * np.log10(speech_level(speech) / np.sqrt((noise**2).mean()))
    assert abs(above_db - float(name.lstrip("abcdefghijklmnopqrstuvwxyz"))) < 0.1


def test_another_line_meets_other_noise(speech: np.ndarray, crowd: Crowd) -> None:
    assert not np.array_equal(
        heard_as("music10", speech, "a/1.wav", "ann", crowd), heard_as("music10", speech, "a/2.wav", "ann", crowd)
    )


def test_a_telephone_keeps_its_band_alone(speech: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    wide = (0.1 * rng.standard_normal(4 * RATE)).astype(np.float32)
    power = np.abs(np.fft.rfft(heard_as("telephone", wide, "a", "", Crowd()))) ** 2
    hertz = np.fft.rfftfreq(len(wide), 1 / RATE)
    inside = power[(hertz > 500) & (hertz < 3000)].mean()
    assert power[hertz > 4200].mean() < 1e-3 * inside
    assert power[hertz < 150].mean() < 1e-2 * inside


def test_the_room_dies_away_in_its_time_and_delays_nothing() -> None:
    response = conditions.room_response(np.random.default_rng(0))
    left = np.cumsum(response[::-1] ** 2)[::-1]
    left_db = 10 * np.log10(left / left[0])
    rt60_s = 3 * (np.argmax(left_db < -25) - np.argmax(left_db < -5)) / RATE
    assert 0.45 < rt60_s < 0.8
    assert np.argmax(np.abs(response)) == 0


@pytest.mark.parametrize("name", ["mp3", "opus", "telephone", "whisper", "child"])
def test_neither_codecs_nor_other_throats_shift_the_line(name: str, speech: np.ndarray) -> None:
    def envelope(samples: np.ndarray) -> np.ndarray:
        power = (samples[: len(samples) // 80 * 80].reshape(-1, 80) ** 2).mean(axis=1)  # 5 ms
        return np.log(power + 1e-6) - np.log(power + 1e-6).mean()

    heard = envelope(heard_as(name, speech, "a", "", Crowd()))
    lags = range(-10, 11)
    best = max(lags, key=lambda lag: float(envelope(speech) @ np.roll(heard, -lag)))
    assert abs(best) <= 2  # 10 ms


def test_levels_change_and_clipping_flattens(speech: np.ndarray) -> None:
    quiet, loud = (speech_level(heard_as(name, speech, "a", "", Crowd())) for name in ("quiet", "loud"))
    assert abs(20 * np.log10(quiet / speech_level(speech)) + 40) < 1
    assert abs(20 * np.log10(loud / speech_level(speech)) - 20) < 0.1
    flat = np.abs(heard_as("clipped", speech, "a", "", Crowd())) == 1
    assert 0.02 < flat.mean() < 0.2


def periodicity(sound: np.ndarray) -> tuple[float, float]:
    """How much a vowel repeats itself, 0..1, and how often a second, by autocorrelation from 80 to 400 Hz."""
    alike = np.correlate(sound, sound, "full")[len(sound) - 1 :] / (sound @ sound)
    lags = np.arange(RATE // 400, RATE // 80)
    return float(alike[lags].max()), RATE / float(lags[alike[lags].argmax()])


def test_a_whisper_has_no_pitch_and_a_child_a_third_more() -> None:
    pulses = np.where(np.arange(RATE) % (RATE // 160) == 0, 1.0, 0.0)  # 160 a second, through two formants
    poles = [0.97 * np.exp(2j * np.pi * hertz / RATE) for hertz in (700.0, 1200.0)]
    throat = np.poly([*poles, *np.conj(poles)]).real
    vowel = np.asarray(0.01 * scipy.signal.lfilter([1], throat, pulses), np.float32)
    voiced, whispered, childs = (
        periodicity(heard_as(name, vowel, "a", "", Crowd())[RATE // 4 : RATE // 2])
        for name in ("clean", "whisper", "child")
    )
    assert voiced == pytest.approx((1, 160), abs=0.1)
    assert whispered[0] < 0.4
    assert childs[1] == pytest.approx(4 / 3 * 160, rel=0.04)


def test_a_speaker_is_never_in_the_crowd_behind_their_own_line(crowd: Crowd) -> None:
    assert all(speaker != "en-us" for speaker, _ in crowd.members) is False
    six = Crowd(tuple(member for member in crowd.members if member[0] != "en-us"))
    rng = [np.random.default_rng(1) for _ in range(2)]
    assert np.array_equal(crowd.talk(RATE, rng[0], "en-us"), six.talk(RATE, rng[1], "nobody"))


def test_too_small_a_crowd_and_an_unknown_condition_are_one_line(speech: np.ndarray) -> None:
    with pytest.raises(CorpusError, match="lines of other speakers"):
        heard_as("babble10", speech, "a", "", Crowd())
    for name in ("underwater", "music", "wind10"):
        with pytest.raises(CorpusError, match="known are clean"):
            conditions.check([name])


def test_a_recording_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"none\.wav': missing file$"):
        noises.read(tmp_path / "none.wav")
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    with pytest.raises(CorpusError, match=r"broken\.wav': unreadable audio \(Format not recognised\.\)$"):
        noises.read(tmp_path / "broken.wav")
