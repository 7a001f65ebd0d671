"""Three systems that calibrate the articulation score: a viseme table, a jaw that follows loudness, and luck."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.ndimage import convolve1d

from addon.core.channels import ARKIT
from addon.core.curves import Array, Curves

from .phones import Phone, energy_db

RATE = 50.0
BLEND_S = 0.04  # a viseme table switches; this is how long the switch takes
LOUDNESS_SPAN_DB = 40.0  # from the quietest sound that opens the jaw to the loudest
HOP_S = 1 / RATE

_OPEN = {"jawOpen": 0.45, "mouthLowerDown": 0.3, "mouthUpperUp": 0.15}
_MIDDLE = {"jawOpen": 0.22, "mouthLowerDown": 0.15}
_NARROW = {"jawOpen": 0.10, "mouthLowerDown": 0.10}
_POSES: dict[str, dict[str, float]] = {
    "sil": {},
    "m em p b pcl bcl": {"jawOpen": 0.08, "mouthClose": 0.08, "mouthPress": 0.3},
    "f v": {"jawOpen": 0.06, "mouthRollLower": 0.45, "mouthUpperUp": 0.25},
    "w uw ux ow er axr sh ch jh zh oy": {"jawOpen": 0.10, "mouthPucker": 0.55, "mouthFunnel": 0.25},
    "r uh ao": {"jawOpen": 0.18, "mouthPucker": 0.25, "mouthFunnel": 0.15},
    "aa ae ay aw": _OPEN,
    "iy ih ey s z": {"jawOpen": 0.08, "mouthStretch": 0.35, "mouthSmile": 0.3, "mouthLowerDown": 0.1},
    "ah eh": _MIDDLE,
}
_POSES["ao"] = {**_OPEN, "mouthFunnel": 0.2}
VISEMES = {phone: pose for phones, pose in _POSES.items() for phone in phones.split()}


def _sided(weights: dict[str, float]) -> Array:
    """A pose as ARKit weights, (C,); a name without a side sets both."""
    return np.array(
        [weights.get(name, weights.get(name.removesuffix("Left").removesuffix("Right"), 0.0)) for name in ARKIT],
        np.float32,
    )


def viseme_curves(phones: Sequence[Phone], duration_s: float) -> Curves:
    """Each phone's pose for as long as it sounds, blended over BLEND_S: perfect timing without a trace of style."""
    fine = 4  # steps a frame, so that blending sees where a phone begins between two frames
    count = max(round(duration_s * RATE), 1)
    values = np.zeros((count * fine, len(ARKIT)), np.float32)
    for phone in phones:
        first, last = (round(t * RATE * fine) for t in (phone.start_s, phone.end_s))
        values[first:last] = _sided(VISEMES.get(phone.name, _NARROW))
    window = np.hanning(round(2 * BLEND_S * RATE * fine) + 2)[1:-1]
    blended = convolve1d(values, window / window.sum(), axis=0, mode="nearest")
    return Curves(blended[::fine].astype(np.float32), ARKIT, RATE)


def loudness_curves(samples: npt.NDArray[np.float32], sample_rate: int) -> Curves:
    """A jaw that opens with loudness and does nothing else, which many tools call lip-sync."""
    level_db = energy_db(samples, sample_rate, HOP_S)
    quietest_db = np.percentile(level_db, 99) - LOUDNESS_SPAN_DB
    jaw = 0.6 * np.clip((level_db - quietest_db) / LOUDNESS_SPAN_DB, 0, 1)
    rows = np.arange(len(jaw))
    on_rows = np.interp(rows, rows + 0.5, jaw)  # a hop's loudness belongs to its middle, a row to its beginning
    return Curves(on_rows[:, None].astype(np.float32), ("jawOpen",), RATE)


def shuffled_curves(other: Sequence[Phone], duration_s: float) -> Curves:
    """The viseme table of another line, backwards and as often as needed: a mouth that hits only by luck."""
    curves = viseme_curves(other, other[-1].end_s)
    count = max(round(duration_s * RATE), 1)
    return Curves(np.resize(curves.values[::-1], (count, len(curves.names))), curves.names, curves.rate)
