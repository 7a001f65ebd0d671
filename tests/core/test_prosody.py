from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from addon.core.acoustics import measure
from addon.core.audio import read
from addon.core.model import Window, windows
from addon.core.prosody import Prosody, accents, gather, phrases, runs, speech_mask

RATE = 16_000
LINE = Path(__file__).parents[2] / "samples" / "every_voice_you_love.wav"


def prosody_of(samples: np.ndarray, body: int = 16_000, context: int = 1_280) -> Prosody:
    return gather([measure(window) for window in windows([samples.astype(np.float32)], body, context)])


@pytest.mark.parametrize("hz", [75, 100, 143, 220, 310, 440])
def test_the_pitch_of_a_voice_is_found(hz: int) -> None:
    t = np.arange(2 * RATE) / RATE
    voice = 0.05 * sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 10))
    found = prosody_of(voice).pitch_hz[5:-5]
    assert np.median(found) == pytest.approx(hz, rel=0.015)
    assert (np.abs(found / hz - 1) < 0.05).mean() > 0.98


def test_a_pitch_whose_period_lies_between_two_samples_is_not_taken_for_its_octave() -> None:
    pitch_hz = np.linspace(90, 480, RATE * 4)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE
    voice = sum(np.where(k * pitch_hz < 4_000, np.sin(k * phase) / k, 0) for k in range(1, 40))
    found = prosody_of(0.1 * voice).pitch_hz[5:-5]
    assert np.abs(found / pitch_hz[::320][5 : 5 + len(found)] - 1).max() < 0.1


def test_a_gliding_pitch_is_followed() -> None:
    t = np.arange(3 * RATE) / RATE
    pitch = 110 * 2 ** (0.5 * np.sin(2 * np.pi * 0.5 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    found = prosody_of(0.1 * sum(np.sin(k * phase) / k for k in range(1, 8))).pitch_hz
    assert np.median(np.abs(found / pitch[::320][: len(found)] - 1)) < 0.02


def test_noise_and_silence_have_no_pitch() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)
    assert (prosody_of(noise).pitch_hz > 0).mean() < 0.1
    silent = prosody_of(np.zeros(RATE))
    assert not silent.pitch_hz.any()
    assert np.unique(silent.loudness_db).tolist() == [-90.0]


def test_loudness_is_decibels_of_full_scale() -> None:
    t = np.arange(RATE) / RATE
    sine = prosody_of(np.sin(2 * np.pi * 200 * t))
    assert sine.loudness_db[5:-5] == pytest.approx(-3.01, abs=0.01)
    assert prosody_of(0.1 * np.sin(2 * np.pi * 200 * t)).loudness_db[20] == pytest.approx(-23.01, abs=0.01)


@pytest.mark.parametrize(("body", "context"), [(640, 640), (6_400, 1_280), (320_000, 49_920)])
def test_however_the_sound_is_cut_the_prosody_is_the_same(
    babble: Callable[..., np.ndarray], body: int, context: int
) -> None:
    whole = prosody_of(babble(4.3), 640_000, 3_200)
    cut = prosody_of(babble(4.3), body, context)
    np.testing.assert_array_equal(cut.loudness_db, whole.loudness_db)
    np.testing.assert_allclose(cut.pitch_hz, whole.pitch_hz, rtol=1e-4)
    np.testing.assert_allclose(cut.tilt_db, whole.tilt_db, atol=1e-3)


def test_one_row_and_none() -> None:
    assert prosody_of(np.ones(1)).pitch_hz.shape == (1,)
    nothing = gather([])
    assert nothing.duration_s == 0
    assert len(phrases(nothing)) == len(accents(nothing)[0]) == 0


def test_phrases_bridge_short_pauses_only(made_prosody: Callable[[int], Prosody]) -> None:
    prosody = made_prosody(600)
    np.testing.assert_allclose(phrases(prosody), [[0, 2.2], [3, 5.2], [6, 8.2], [9, 11.2]], atol=0.03)
    loudness = prosody.loudness_db.copy()
    loudness[50:60] = -80  # 0.2 s
    assert len(phrases(Prosody(loudness, prosody.pitch_hz))) == 4
    loudness[50:70] = -80  # 0.4 s
    assert len(phrases(Prosody(loudness, prosody.pitch_hz))) == 5


def test_a_quiet_recording_has_the_same_phrases_as_a_loud_one(babble: Callable[..., np.ndarray]) -> None:
    loud, quiet = prosody_of(babble(6.0)), prosody_of(babble(6.0) * 0.1)
    np.testing.assert_allclose(phrases(quiet), phrases(loud), atol=0.05)


def as_recorded_low(samples: np.ndarray, db: float) -> np.ndarray:
    return np.round(samples * 10 ** (db / 20) * 32_767) / 32_767  # sixteen bits


def test_a_voice_recorded_far_too_low_has_the_accents_and_phrases_of_one_that_is_not() -> None:
    spoken = read(LINE).samples
    loud, low = prosody_of(spoken), prosody_of(as_recorded_low(spoken, -40))
    assert low.loudness_db.max() < -45
    heard_loud, heard_low = (times_s[strengths > 0.3] for times_s, strengths in (accents(loud), accents(low)))
    assert len(heard_loud) > 3
    np.testing.assert_allclose(heard_low, heard_loud, atol=0.041)  # one that is hardly an accent may be none
    np.testing.assert_allclose(phrases(low), phrases(loud), atol=0.081)


@pytest.mark.parametrize("level_db", [-55, -65])
@pytest.mark.parametrize("what", ["hiss", "a fan", "a hum"])
def test_a_room_that_is_only_heard_softly_says_nothing(what: str, level_db: float) -> None:
    noise = np.random.default_rng(1).standard_normal(10 * RATE)
    rooms = {
        "hiss": noise,
        "a fan": np.convolve(noise, 0.98 ** np.arange(400), "same"),
        "a hum": np.sin(2 * np.pi * 100 * np.arange(len(noise)) / RATE) + 0.1 * noise,
    }
    level = 10 ** (level_db / 20) / np.sqrt(np.mean(rooms[what] ** 2))
    assert len(phrases(prosody_of(rooms[what] * level))) == 0


def test_accents_fall_on_syllables_and_keep_apart(made_prosody: Callable[[int], Prosody]) -> None:
    times_s, strengths = accents(made_prosody(600))
    assert len(times_s) > 5
    assert (np.diff(times_s) >= 0.25 - 1e-6).all()
    assert ((strengths > 0) & (strengths <= 1)).all()
    assert (times_s % 3.0 < 2.3).all()
    beat = np.sin(2 * np.pi * 2.1 * times_s)
    assert (beat > 0.5).mean() > 0.9


def test_of_two_stresses_closer_than_a_quarter_second_the_stronger_alone_is_an_accent() -> None:
    loudness = np.full(200, -30, np.float32)
    for row, level_db in ((40, -17), (50, -18), (90, -18), (106, -17), (160, -18)):
        loudness[row - 2 : row + 3] = level_db
    times_s, strengths = accents(Prosody(loudness, np.full(200, 120, np.float32)))
    assert times_s.tolist() == pytest.approx([0.8, 1.8, 2.12, 3.2], abs=0.021)
    assert strengths[0] > strengths[1]


@pytest.mark.parametrize("range_db", [0.0, 6.0, 12.0])
def test_speech_without_a_pause_is_not_taken_for_the_noise_of_a_room(range_db: float) -> None:
    wave = np.sin(np.arange(500) / 5)
    prosody = Prosody((range_db / 2 * wave - 20).astype(np.float32), (120 + 20 * wave).astype(np.float32))
    assert speech_mask(prosody).all()


def test_silence_has_neither_phrases_nor_accents() -> None:
    silent = prosody_of(np.zeros(2 * RATE))
    assert not speech_mask(silent).any()
    assert len(phrases(silent)) == len(accents(silent)[0]) == 0


def test_runs_are_found_at_both_edges() -> None:
    starts, ends = runs(np.array([True, False, True, True]))
    assert (starts.tolist(), ends.tolist()) == ([0, 2], [1, 4])


def test_a_window_without_surroundings_is_refused() -> None:
    with pytest.raises(ValueError, match="surroundings"):
        measure(Window(np.zeros(640, np.float32), 0, 1, 0.02))


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="need"):
        Prosody(np.zeros(3, np.float32), np.zeros(4, np.float32))


def test_a_brighter_voice_has_the_higher_tilt() -> None:
    t = np.arange(RATE) / RATE
    low, high = np.sin(2 * np.pi * 300 * t), np.sin(2 * np.pi * 2_000 * t)
    for share, expected_db in ((0.1, -20.0), (1.0, 0.0), (2.0, 6.02)):
        tilt = prosody_of(0.1 * (low + share * high)).tilt_db
        assert np.median(tilt) == pytest.approx(expected_db, abs=0.2)
    assert not prosody_of(np.zeros(RATE)).tilt_db.any()
    with pytest.raises(ValueError, match="need"):
        Prosody(np.zeros(3, np.float32), np.zeros(3, np.float32), tilt_db=np.zeros(2, np.float32))


@pytest.mark.parametrize("offset", [-0.05, 0.01])
def test_a_direct_current_is_not_heard(offset: float) -> None:
    t = np.arange(4 * RATE) / RATE
    voice = 0.1 * np.sin(2 * np.pi * 150 * t) * ((t % 2) > 1)
    plain, shifted = prosody_of(voice), prosody_of(voice + offset)
    np.testing.assert_allclose(phrases(shifted), phrases(plain), atol=0.03)
    np.testing.assert_allclose(shifted.loudness_db[60:90], plain.loudness_db[60:90], atol=0.5)
    np.testing.assert_allclose(shifted.tilt_db[60:90], plain.tilt_db[60:90], atol=0.5)


@pytest.mark.parametrize("noise_db", [-60, -30, -25, -20])
def test_pauses_are_found_in_a_noisy_room(noise_db: float) -> None:
    lines = [read(path).samples for path in sorted((Path(__file__).parents[2] / "samples").glob("*.wav"))]
    pause = np.zeros(RATE, np.float32)
    clean = np.concatenate([part for line in lines for part in (pause, line)] + [pause])
    loud_db = np.percentile(prosody_of(clean).loudness_db, 95)
    noise = np.random.default_rng(0).standard_normal(len(clean)) * 10 ** ((loud_db + noise_db) / 20)
    quiet, noisy = speech_mask(prosody_of(clean)), speech_mask(prosody_of(clean + noise))
    assert (quiet == noisy).mean() > 0.9
    assert not noisy[10:40].any()
