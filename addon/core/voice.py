"""What the voice lets guess of the mood: arousal, a hint of valence, and emotions that would go with them.

A rule, not learnt and not measured on emotional speech. That high, wide-ranging, bright, fast and loud voices sound
aroused is well established (Juslin and Laukka 2003; Scherer 2003); valence is hardly to be heard in such measures,
so ours moves little and is called valence for want of a better word.
"""

from __future__ import annotations

import numpy as np

from . import emotions
from .curves import Array, blurred
from .prosody import Prosody, accents, speech_mask, steady_pitch_hz

WIDTH_S = 0.8  # standard deviation of what counts as now
# What is usual and how much more is much: height of pitch over the speaker's floor, its spread, tilt, accents a second.
# The median, and how far the 10th and 90th percentile lie from it, of 319 read lines by some 250 speakers.
HEIGHT_ST = (5.0, 5.0)
SPREAD_ST = (3.3, 1.4)
TILT_DB = (-13.0, 5.5)
PACE_HZ = (1.1, 0.35)
LEVEL_DB = (0.0, 6.0)  # over the take's usual level, since the recording's gain is unknown
AROUSAL = {"height": 0.3, "spread": 0.2, "tilt": 0.25, "pace": 0.1, "level": 0.15}
STEEPNESS = 1.6
FLOOR_PERCENTILE = 10
WIDEST_ST = 14.0
SURE = 0.15  # share of the time that must be voiced for a measure to count in full
LEAST_WEIGHT = np.float32(1e-3)
LEAST_VOICED_ROWS = 25  # half a second: less says nothing


def cues(prosody: Prosody) -> dict[str, Array]:
    """How unusual each measure is at every row, (T,), 0 usual, ±1 much, at most ±2; 0 where little is heard."""
    rows, rate = len(prosody.pitch_hz), prosody.rate
    pitch_hz = steady_pitch_hz(prosody)
    voiced = (pitch_hz > 0) & speech_mask(prosody)
    if voiced.sum() < LEAST_VOICED_ROWS:
        return {name: np.zeros(rows, np.float32) for name in AROUSAL}
    pitch = 12 * np.log2(np.maximum(pitch_hz, 1))
    pitch = pitch - np.percentile(pitch[voiced], FLOOR_PERCENTILE)
    pitch = np.clip(pitch, 0, WIDEST_ST)  # an octave over the floor and more is a slip, if not a scream
    level = prosody.loudness_db - np.median(prosody.loudness_db[voiced])
    tilt = prosody.tilt_db if len(prosody.tilt_db) else np.full(rows, TILT_DB[0])
    beats = np.zeros(rows)
    beats[np.rint(accents(prosody)[0] * rate).astype(np.intp)] = rate
    tracks = [np.where(voiced, track, 0) for track in (np.ones(rows), pitch, pitch * pitch, tilt, level)]
    table = np.stack([*tracks, speech_mask(prosody), beats], axis=1).astype(np.float32)
    weight, height, square, bright, loud, talking, pace = blurred(table, WIDTH_S * rate).T

    weight, talking = np.maximum(weight, LEAST_WEIGHT), np.maximum(talking, LEAST_WEIGHT)
    height = height / weight
    measured = {
        "height": (height, HEIGHT_ST),
        "spread": (np.sqrt(np.maximum(square / weight - height * height, 0)), SPREAD_ST),
        "tilt": (bright / weight, TILT_DB),
        "pace": (pace / talking, PACE_HZ),
        "level": (loud / weight, LEVEL_DB),
    }
    sure = np.clip(weight / SURE, 0, 1)  # in a long pause everything is as usual
    return {
        name: np.asarray(sure * np.clip((value - usual) / much, -2, 2), np.float32)
        for name, (value, (usual, much)) in measured.items()
    }


def arousal(prosody: Prosody) -> Array:
    """How excited the voice sounds, (T,), 0 to 1; a voice like most is at 0.5."""
    return _arousal(cues(prosody))


def valence(prosody: Prosody) -> Array:
    """A guess at how pleasant, (T,), -1 to 1: melody that is wide for its brightness against voice that is harsh."""
    return _valence(cues(prosody))


def moods(prosody: Prosody) -> Array:
    """Emotions by where arousal and valence lie on Russell's circle (1980), (T, 8)."""
    found = cues(prosody)
    excited, pleasant = 2 * _arousal(found) - 1, _valence(found)
    up, down = np.maximum(excited, 0), np.maximum(-excited, 0)
    good, bad = np.maximum(pleasant, 0), np.maximum(-pleasant, 0)
    parts = {
        "joy": up * good,
        "anger": up * bad,
        "surprise": 0.5 * up * (1 - good - bad),
        "sadness": 0.6 * down * (1 - good),
    }
    still = np.zeros(len(excited), np.float32)
    columns = [parts.get(name, still) for name in emotions.NAMES]
    return np.asarray(np.stack(columns, axis=1), np.float32)


def _arousal(found: dict[str, Array]) -> Array:
    total = np.sum([share * found[name] for name, share in AROUSAL.items()], axis=0)
    return np.asarray(1 / (1 + np.exp(-STEEPNESS * total)), np.float32)


def _valence(found: dict[str, Array]) -> Array:
    return np.asarray(np.tanh(0.3 * (found["spread"] - found["tilt"])), np.float32)
