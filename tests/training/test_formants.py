"""A larger or a smaller head: formants move, pitch and time do not; and a whisper, where the pitch goes alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
import torch

from model_training import config, formants, prepare
from model_training.dataset import Batches

RATE = 16_000
PITCH_HZ, FORMANTS_HZ = 120, (700.0, 1800.0, 2600.0)
ORDER = 10


def vowel(seconds: float = 1.0, whispered: bool = False) -> formants.Floats:
    """Glottal pulses, or breath, through three resonances."""
    sound = np.random.default_rng(0).standard_normal(round(seconds * RATE))
    if not whispered:
        sound = np.where(np.arange(len(sound)) % round(RATE / PITCH_HZ) == 0, 1.0, 0.0)
    for hertz in FORMANTS_HZ:
        pole = np.exp(-np.pi * 80 / RATE) * np.exp(2j * np.pi * hertz / RATE)
        sound = scipy.signal.lfilter([1], np.poly([pole, pole.conj()]).real, sound)
    return np.asarray(0.3 * sound / np.abs(sound).max(), np.float32)


def resonances(sound: formants.Floats) -> list[float]:
    """The frequencies of the three sharpest resonances under 4 kHz, by linear prediction."""
    alike = scipy.signal.correlate(sound, sound)[len(sound) - 1 :].astype(np.float64)
    prediction = scipy.linalg.solve_toeplitz(alike[:ORDER], alike[1 : ORDER + 1])
    roots = [r for r in np.roots(np.concatenate([[1], -prediction])) if r.imag > 0]
    sharp = sorted((-abs(r), np.angle(r) * RATE / 2 / np.pi) for r in roots if np.angle(r) < np.pi / 2)[:3]
    return sorted(hertz for _, hertz in sharp)


def breathed(sound: formants.Floats) -> formants.Floats:
    return formants.whispered(sound, np.random.default_rng(0))


@pytest.mark.parametrize("factor", [0.88, 1.14])
def test_every_formant_moves_by_the_factor(factor: float) -> None:
    sound = vowel(4.0, whispered=True)
    assert resonances(sound) == pytest.approx(FORMANTS_HZ, rel=0.02)
    assert resonances(formants.moved(sound, factor)) == pytest.approx([factor * hz for hz in FORMANTS_HZ], rel=0.04)


def test_pitch_stays() -> None:
    sound = vowel()
    heard = formants.moved(sound, 1.15)
    assert heard.shape == sound.shape
    assert heard.dtype == np.float32
    for one in (sound, heard):
        alike = scipy.signal.correlate(one, one)[len(one) - 1 :]
        assert RATE / (80 + np.argmax(alike[80:320])) == pytest.approx(PITCH_HZ, rel=0.02)


def test_a_whisper_has_the_formants_and_the_loudness_of_the_voice_and_no_pitch() -> None:
    sound = vowel(4.0)
    heard = formants.whispered(sound, np.random.default_rng(0))
    assert resonances(heard) == pytest.approx(FORMANTS_HZ, rel=0.06)
    assert np.sqrt((heard**2).mean()) == pytest.approx(np.sqrt((sound**2).mean()), rel=0.01)
    periodic = []
    for one in (sound, heard):
        alike = scipy.signal.correlate(one, one)[len(one) - 1 :]
        periodic.append(alike[80:320].max() / alike[0])
    assert periodic[0] > 0.9
    assert periodic[1] < 0.2


@pytest.mark.parametrize(
    ("change", "hush", "early_s"),
    [(lambda line: formants.moved(line, 1.15), 0, 0.01), (breathed, 1e-4, formants.FRAME / 2 / RATE)],
)
def test_a_word_stays_where_it_is(
    change: Callable[[formants.Floats], formants.Floats], hush: float, early_s: float
) -> None:
    sound = vowel(0.3)
    line = np.concatenate([np.zeros(RATE), sound, np.zeros(RATE)]).astype(np.float32)
    heard = np.abs(change(line))
    assert heard[: RATE - formants.FRAME].max() <= hush
    assert heard[RATE + len(sound) + formants.FRAME :].max() < hush + 1e-6
    loud = np.flatnonzero(heard > 0.02)
    assert abs(loud[0] - RATE) < early_s * RATE


@pytest.mark.parametrize("count", [1, 200, 511, 57_600])
def test_a_factor_of_one_changes_nothing(count: int) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, count).astype(np.float32)
    np.testing.assert_allclose(formants.moved(sound, 1.0), sound, atol=1e-5)


def test_silence_stays_silence() -> None:
    nothing = np.zeros(4000, np.float32)
    assert not formants.moved(nothing, 1.1).any()
    assert not breathed(nothing).any()


@pytest.mark.parametrize("what", ["formants", "whisper"])
def test_only_a_config_that_asks_for_it_has_other_throats(
    what: str, shard: Path, tiny_config: config.TrainingConfig
) -> None:
    def first(share: float) -> tuple[torch.Tensor, torch.Tensor]:
        augment = dataclasses.replace(config.AugmentSettings(*[0.0] * 7, room=0, mute=0), **{what: share})
        batch = Batches(prepare.open_shard(shard), dataclasses.replace(tiny_config, augment=augment)).batch(0)
        return batch.waveform, batch.targets

    (plain, taught), (changed, same) = first(0), first(1)
    assert torch.equal(taught, same)
    assert not torch.allclose(plain, changed, atol=0.05)
