"""What the voice lets guess of the mood: arousal, a hint of valence, and emotions that would go with them.

A rule, not learnt and not measured on emotional speech. That high, wide-ranging, bright, fast and loud voices sound
aroused is well established (Juslin and Laukka 2003; Scherer 2003); valence is hardly to be heard in such measures,
so ours moves little and is called valence for want of a better word.
"""

from __future__ import annotations

import numpy as np

from . import emotions
from .curves import Array, blurred
from .prosody import Prosody, accents, speech_mask

WIDTH_S = 0.8  # standard deviation of what counts as now
# What is usual and how much more is much: height of pitch over the speaker's floor, its spread, tilt, accents a second
HEIGHT_ST = (5.0, 4.0)
SPREAD_ST = (2.5, 2.0)
TILT_DB = (-14.0, 8.0)
PACE_HZ = (2.2, 1.0)
LEVEL_DB = (0.0, 6.0)  # over the take's usual level, since the recording's gain is unknown
AROUSAL = {"height": 0.3, "spread": 0.2, "tilt": 0.25, "pace": 0.1, "level": 0.15}
STEEPNESS = 1.6
FLOOR_PERCENTILE = 5
LEAST_VOICED_ROWS = 25  # half a second: less says nothing


def cues(prosody: Prosody) -> dict[str, Array]:
    """How unusual each measure is at every row, (T,), 0 usual, ±1 much, at most ±2; 0 where little is heard."""
    rows, rate = len(prosody.pitch_hz), prosody.rate
    voiced = (prosody.pitch_hz > 0) & speech_mask(prosody)
    if voiced.sum() < LEAST_VOICED_ROWS:
        return {name: np.zeros(rows, np.float32) for name in AROUSAL}
    width = WIDTH_S * rate
    weight = np.maximum(blurred(voiced.astype(np.float32), width), 1e-3)

    def now(values: Array) -> Array:
        return np.asarray(blurred(np.where(voiced, values, 0).astype(np.float32), width) / weight, np.float32)

    pitch = (12 * np.log2(np.maximum(prosody.pitch_hz, 1))).astype(np.float32)
    pitch = pitch - np.percentile(pitch[voiced], FLOOR_PERCENTILE).astype(np.float32)
    height = now(pitch)
    spread = np.sqrt(np.maximum(now(pitch * pitch) - height * height, 0))
    beats = np.zeros(rows, np.float32)
    beats[np.rint(accents(prosody)[0] * rate).astype(np.intp)] = rate
    talking = np.maximum(blurred(speech_mask(prosody).astype(np.float32), width), 1e-3)
    level = now(prosody.loudness_db) - np.median(prosody.loudness_db[voiced])
    pace = blurred(beats, width) / talking
    measured = {
        "height": (height, HEIGHT_ST),
        "spread": (spread, SPREAD_ST),
        "pace": (pace, PACE_HZ),
        "level": (level, LEVEL_DB),
    }
    if len(prosody.tilt_db):
        measured["tilt"] = (now(prosody.tilt_db), TILT_DB)
    sure = np.clip(weight / 0.15, 0, 1)  # in a long pause everything is as usual
    found = {name: sure * np.clip((value - usual) / much, -2, 2) for name, (value, (usual, much)) in measured.items()}
    return {name: np.asarray(found.get(name, np.zeros(rows)), np.float32) for name in AROUSAL}


def arousal(prosody: Prosody) -> Array:
    """How excited the voice sounds, (T,), 0 to 1; a voice like most is at 0.5."""
    found = cues(prosody)
    total = sum(share * found[name] for name, share in AROUSAL.items())
    return np.asarray(1 / (1 + np.exp(-STEEPNESS * np.asarray(total))), np.float32)


def valence(prosody: Prosody) -> Array:
    """A guess at how pleasant, (T,), -1 to 1: melody that is wide for its brightness against voice that is harsh."""
    found = cues(prosody)
    return np.asarray(np.tanh(0.4 * (found["spread"] - found["tilt"])), np.float32)


def moods(prosody: Prosody) -> Array:
    """Emotions by where arousal and valence lie on Russell's circle (1980), (T, 8)."""
    excited = 2 * arousal(prosody) - 1
    pleasant = valence(prosody)
    up, down = np.maximum(excited, 0), np.maximum(-excited, 0)
    good, bad = np.maximum(pleasant, 0), np.maximum(-pleasant, 0)
    parts = {
        "joy": up * good, "anger": up * bad, "surprise": 0.5 * up * (1 - good - bad),
        "sadness": 0.6 * down * (1 - good),
    }  # fmt: skip
    still = np.zeros(len(excited), np.float32)
    columns = [parts.get(name, still) for name in emotions.NAMES]
    return np.asarray(np.stack(columns, axis=1), np.float32)
