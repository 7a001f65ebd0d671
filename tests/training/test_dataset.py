"""Crops: sound, curves and phones stay on the same moment, and noise comes at the level that is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from model_training import config
from model_training.articulation import ROW_SAMPLES, SOLO
from model_training.dataset import Batches, degrade
from model_training.prepare import Line, Shard

ROWS = 100  # of a shard whose samples, curves and phones all tell which row they are of
UNIT = 128  # rows that a curve counts as one: float16 holds every such part


def crops(first_row: int, rows: int, count: int = 20) -> list[tuple[np.ndarray, ...]]:
    """Crops of 1.2 s of a line: which row is heard, seen and named at each of theirs, what is heard in it, and whether
    it lies inside the line."""
    curves = np.zeros((ROWS, len(SOLO)), np.float16)
    curves[:] = np.arange(ROWS)[:, None] / UNIT
    line = Line("a/1.wav", "ann", "a", first_row, rows)
    shard = Shard((line,), np.arange(ROWS * ROW_SAMPLES, dtype=np.int16), curves, np.arange(ROWS, dtype=np.uint8))
    batches = Batches(shard, config.TrainingConfig(train=config.TrainSettings(crop_s=1.2)))
    found = []
    for seed in range(count):
        waveform, targets, phones, inside = batches._crop(line, np.random.default_rng(seed))
        heard = waveform.reshape(len(targets), ROW_SAMPLES) * 32768 / ROW_SAMPLES
        found.append((heard[:, 0], targets[:, 0] * UNIT, phones.astype(float), heard, inside == 1))
    return found


def amid(rows: np.ndarray) -> np.ndarray:
    """Those rows whose neighbours are such too: an edge of the line lies between two rows."""
    return rows & np.append(rows[1:], rows[-1]) & np.insert(rows[:-1], 0, rows[0])


def test_what_is_heard_seen_and_named_in_a_row_is_of_one_moment_at_any_speed() -> None:
    speeds = []
    for heard, seen, named, _, inside in crops(30, 70):
        rows = amid(inside)
        assert rows.sum() > 30
        assert np.abs(seen - heard)[rows].max() < 0.01
        assert np.abs(named - heard)[rows].max() <= 0.51
        steps = np.diff(heard[rows])
        assert steps.std() < 1e-3
        speeds.append(steps.mean())
    assert 0.85 <= min(speeds) < 0.95
    assert 1.05 < max(speeds) <= 1.15


def test_around_a_short_line_lies_silence_with_the_mouth_at_rest() -> None:
    for _, seen, named, heard, inside in crops(30, 20):
        assert 20 / 1.15 - 1 <= inside.sum() <= 20 / 0.85 + 1
        outside = amid(~inside)
        assert outside[0]
        assert outside[-1]
        assert not heard[outside].any()
        assert not seen[outside].any()
        assert not named[~inside].any()


@pytest.mark.parametrize(("kind", "above_db"), [("noise", 10), ("music", 10), ("voices", 13)])
def test_noise_lies_as_far_below_the_speech_as_is_asked(kind: str, above_db: float) -> None:
    hertz = np.array([250, 310, 370, 430, 490, 550, 610, 670])
    clean = (0.3 * np.sin(2 * np.pi * hertz[:, None] * np.arange(16_000) / 16_000)).astype(np.float32)
    asked = {**dict.fromkeys(("noise", "voices", "music", "clip", "band", "room"), 0.0), kind: 1.0}
    settings = config.AugmentSettings(gain_db=0.0, snr_db=(10.0, 10.0), **asked)
    heard = degrade(clean, settings, np.random.default_rng(0))
    speech = clean * ((heard * clean).sum(axis=1) / (clean**2).sum(axis=1))[:, None]
    found_db = 10 * np.log10((speech**2).sum(axis=1) / ((heard - speech) ** 2).sum(axis=1))
    assert np.median(found_db) == pytest.approx(above_db, abs=0.5)
