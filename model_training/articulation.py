"""The teacher: what a clear speaker's mouth does for a sequence of timed phones.

A dominance model in the manner of Cohen and Massaro (Modeling Coarticulation in Synthetic Visual Speech, 1993): every
phone has a target on each channel and pulls with a strength of its own on jaw, rounding, the mouth's corners and lip
height; the strengths rise before the sound and fall after it, and the channels follow their weighted mean. What must
happen happens whatever the neighbours want: m, b and p close the lips, f and v bring the lower lip to the upper teeth
(JALI, Edwards et al. 2016, names these rules; onset, hold and release times begin as theirs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from addon.core.curves import Curves

from .phones import Phone, energy_db

Array = npt.NDArray[np.float32]

RATE = 50.0  # rows a second, as the model gives them
ROW_SAMPLES = 320  # at 16 kHz
BRIDGED_PAUSE_S = 0.2  # in a shorter pause the mouth does not go to rest
REST_ONSET_S = 0.086  # the mouth closes soon when speech stops,
SPEECH_ONSET_S = 0.054  # and opens this long before it starts again
SEAL_RAMP_S = 0.055  # lips come together, and part, in this time
SHORTEST_SEAL_S = 0.04  # two rows at 50 a second

# What the teacher moves; a name that ARKit has for each side stands here once.
JAW, ROUND, CORNERS, HEIGHT = AXES = ("jaw", "round", "corners", "height")
SIGNALS = {
    "jawOpen": JAW, "jawForward": ROUND, "mouthFunnel": ROUND, "mouthPucker": ROUND,
    "mouthStretch": CORNERS, "mouthSmile": CORNERS, "mouthDimple": CORNERS,
    "mouthLowerDown": HEIGHT, "mouthUpperUp": HEIGHT, "mouthPress": HEIGHT,
    "mouthRollLower": HEIGHT, "mouthRollUpper": HEIGHT, "mouthShrugLower": HEIGHT, "mouthShrugUpper": HEIGHT,
}  # fmt: skip
ONSET_S = {JAW: 0.102, ROUND: 0.127, CORNERS: 0.085, HEIGHT: 0.102}  # a gesture starts this long before its sound,
HELD = 0.75  # is held for this share of it,
RELEASE_S = {JAW: 0.116, ROUND: 0.110, CORNERS: 0.090, HEIGHT: 0.120}  # and takes as long to end
SIDED = ("mouthStretch", "mouthSmile", "mouthDimple", "mouthLowerDown", "mouthUpperUp", "mouthPress")
SOLO = ("jawOpen", "mouthClose", "jawForward", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthSmile",
        "mouthDimple", "mouthLowerDown", "mouthUpperUp", "mouthPress", "mouthRollLower", "mouthRollUpper",
        "mouthShrugLower", "mouthShrugUpper")  # fmt: skip
CHANNELS = tuple(side for name in SOLO for side in ((name + "Left", name + "Right") if name in SIDED else (name,)))


@dataclass(frozen=True)
class Gesture:
    """Where a phone wants the mouth, and how strongly it insists on each of AXES (0: leaves it free)."""

    pull: tuple[float, float, float, float]
    target: dict[str, float] = field(default_factory=dict)


def _g(jaw: float, rounding: float, corners: float, height: float, **target: float) -> Gesture:
    return Gesture((jaw, rounding, corners, height), {_LONG[name]: value for name, value in target.items()})


_LONG = {
    "open": "jawOpen", "forward": "jawForward", "funnel": "mouthFunnel", "pucker": "mouthPucker",
    "stretch": "mouthStretch", "smile": "mouthSmile", "dimple": "mouthDimple", "down": "mouthLowerDown",
    "up": "mouthUpperUp", "press": "mouthPress", "roll_lower": "mouthRollLower", "roll_upper": "mouthRollUpper",
    "shrug_lower": "mouthShrugLower", "shrug_upper": "mouthShrugUpper",
}  # fmt: skip

# Pulls on AXES, then targets, within the range that capture-driven faces show. They and the times above are ours,
# fitted by random search to the articulation score of 74 lines of phones, by weights and on a mesh, within limits: a
# jitter of .057, peak velocities as they were before, jaws as narrow in s, z and sh, rounding early, and lips that the
# tongue's sounds leave alone. The roll of f and v is where the lip meets the teeth of ICT-FaceKit's head: at .55 it lay
# 2 mm behind them.
GESTURES: dict[str, Gesture] = {
    "sil": _g(2.3, 0.79, 0.79, 1.1),
    "aa": _g(1.5, 1.1, 1.1, 0.67, open=0.45, down=0.28, up=0.07),
    "ae": _g(1.6, 0.9, 0.74, 0.38, open=0.43, stretch=0.07, smile=0.02, down=0.35, up=0.06),
    "ao": _g(1.8, 2.3, 2.2, 0.51, open=0.40, funnel=0.19, pucker=0.06, down=0.20),
    "ah": _g(0.69, 1.2, 0.79, 0.27, open=0.13, down=0.20, up=0.06),
    "eh": _g(0.49, 0.37, 0.56, 0.47, open=0.12, stretch=0.10, smile=0.03, down=0.28, up=0.05),
    "er": _g(0.49, 1.2, 0.82, 0.4, open=0.05, funnel=0.40, pucker=0.25, down=0.14, up=0.04),
    "ih": _g(0.19, 1.4, 0.94, 0.63, open=0.13, stretch=0.22, smile=0.11, dimple=0.04, down=0.19, up=0.04),
    "iy": _g(1.2, 1.0, 0.93, 0.65, open=0.09, stretch=0.27, smile=0.19, dimple=0.08, down=0.22, up=0.08),
    "ey": _g(0.81, 0.94, 1.5, 0.7, open=0.18, stretch=0.22, smile=0.13, dimple=0.09, down=0.28, up=0.06),
    "ow": _g(0.89, 1.2, 0.89, 0.51, open=0.16, funnel=0.38, pucker=0.34, down=0.08),
    "uh": _g(0.39, 0.33, 0.42, 0.36, open=0.12, funnel=0.14, pucker=0.12, down=0.13),
    "uw": _g(0.86, 0.92, 0.95, 0.62, open=0.08, funnel=0.28, pucker=0.49, down=0.02),
    "w": _g(0.52, 1.4, 0.9, 0.65, open=0.06, funnel=0.24, pucker=0.49),
    "r": _g(1.2, 0.58, 0.42, 0.28, open=0.11, funnel=0.16, pucker=0.09, down=0.10),
    "y": _g(0.65, 0.96, 0.78, 0.22, open=0.07, stretch=0.09, smile=0.06, down=0.16),
    "l": _g(0.51, 0.3, 0.28, 0.26, open=0.09, down=0.18, up=0.04),
    "th": _g(1.6, 0.4, 0.67, 0.38, open=0.10, down=0.20, up=0.06),
    "dh": _g(1.0, 0.51, 0.56, 0.47, open=0.13, down=0.18, up=0.03),
    "s": _g(3.0, 1.0, 0.55, 0.69, open=0.07, stretch=0.25, smile=0.19, dimple=0.02, down=0.24, up=0.02),
    "z": _g(1.8, 1.0, 0.54, 0.51, open=0.07, stretch=0.25, smile=0.13, dimple=0.07, down=0.21, up=0.03),
    "sh": _g(3.3, 0.55, 0.94, 0.59, open=0.06, forward=0.10, funnel=0.52, pucker=0.27, down=0.10, up=0.09),
    "f": _g(1.4, 0.41, 0.76, 1.1, open=0.06, up=0.24, roll_lower=0.40, shrug_upper=0.05),
    "p": _g(0.44, 0.6, 0.57, 2.0, open=0.07, press=0.32, roll_lower=0.065, roll_upper=0.09, shrug_lower=0.06),
    "m": _g(0.57, 1.2, 1.3, 1.7, open=0.08, press=0.23, roll_lower=0.058, roll_upper=0.08),
    "t": _g(0.38, 0.34, 0.41, 0.18, open=0.08, down=0.13, up=0.01),
    "n": _g(0.54, 0.32, 0.36, 0.3, open=0.09, down=0.17, up=0.04),
    "k": _g(0.47, 0.3, 0.46, 0.32, open=0.09, down=0.14),
    "hh": _g(0.45, 0.12, 0.13, 0.1, open=0.12, down=0.20),
}
for _same, _as in {"b": "p", "v": "f", "d": "t", "g": "k", "ng": "k", "zh": "sh", "ch": "sh", "jh": "sh"}.items():
    GESTURES[_same] = GESTURES[_as]
# Diphthongs move: first gesture, the share of the sound at which it ends, second gesture.
GLIDES = {"ay": ("aa", 0.53, "ih"), "aw": ("aa", 0.78, "uh"), "oy": ("ao", 0.60, "ih")}
# Share of the sound for which the lips stay together; a stop whose burst is known parts them there.
CLOSURES = {"p": 0.6, "b": 0.6, "m": 0.9, "em": 0.9}
LIP_TO_TEETH = {"f": 0.9, "v": 0.9}


def teacher_curves(phones: Sequence[Phone], duration_s: float, loudness_db: Array | None = None) -> Curves:
    """The teacher's curves at 50 rows a second, (T, C) over CHANNELS, T = ceil(duration_s * 50).

    loudness_db, (T,), lets loud vowels open the jaw further than soft ones.
    """
    times = np.arange(int(np.ceil(duration_s * RATE - 1e-6)), dtype=np.float32) / np.float32(RATE)
    parts = _parts(phones)
    signals = _dominance(parts, times)
    signals["jawOpen"] *= _stress(times, loudness_db)
    signals = {name: _smoothed(column) for name, column in signals.items()}
    _reach_teeth(signals, _hold(phones, LIP_TO_TEETH, times))
    _seal(signals, _hold(phones, CLOSURES, times))
    columns = [np.clip(signals[name.removesuffix("Left").removesuffix("Right")], 0, 1) for name in CHANNELS]
    return Curves(np.stack(columns, axis=1).astype(np.float32), CHANNELS, RATE)


def taught_curves(phones: Sequence[Phone], samples: Array) -> Curves:
    """The teacher's curves of a line, 16 kHz samples (N,), as a student is taught them: in whole rows, by loudness."""
    count = len(samples) // ROW_SAMPLES
    loudness = energy_db(samples[: count * ROW_SAMPLES], round(RATE * ROW_SAMPLES), 1 / RATE)
    return teacher_curves(phones, count / RATE, loudness)


def _parts(phones: Sequence[Phone]) -> list[Phone]:
    """Phones with diphthongs cut in two and short pauses gone, so that the mouth moves through them."""
    parts: list[Phone] = []
    for place, phone in enumerate(phones):
        if phone.name == "sil" and phone.end_s - phone.start_s < BRIDGED_PAUSE_S and 0 < place < len(phones) - 1:
            continue
        first, share, second = GLIDES.get(phone.name, (phone.name, 1.0, ""))
        turn_s = phone.start_s + share * (phone.end_s - phone.start_s)
        parts.append(Phone(first, phone.start_s, turn_s))
        if second:
            parts.append(Phone(second, turn_s, phone.end_s))
    return [part for part in parts if part.name in GESTURES] or [Phone("sil", 0.0, 1.0)]


def _dominance(parts: Sequence[Phone], times: Array) -> dict[str, Array]:
    """Every signal as the mean of the phones' targets, weighted by how strongly each pulls at each time."""
    start, end = (np.array([getattr(p, edge) for p in parts], np.float32) for edge in ("start_s", "end_s"))
    pause = np.array([p.name == "sil" for p in parts])
    held = np.where(pause, np.maximum(end - SPEECH_ONSET_S, start), start + HELD * (end - start))
    signals = {}
    for axis, group in enumerate(AXES):
        onset = np.where(pause, REST_ONSET_S, ONSET_S[group])
        release = np.where(pause, SPEECH_ONSET_S, RELEASE_S[group])
        pull = np.array([GESTURES[p.name].pull[axis] for p in parts], np.float32)
        before = np.maximum(start - times[:, None], 0) / (0.6 * onset)
        after = np.maximum(times[:, None] - held, 0) / (0.6 * release)
        strength = pull * np.exp(-(before**2) - after**2) + 1e-9  # (T, P)
        strength /= strength.sum(axis=1, keepdims=True)
        for name in (n for n, g in SIGNALS.items() if g == group):
            target = np.array([GESTURES[p.name].target.get(name, 0.0) for p in parts], np.float32)
            signals[name] = np.asarray(strength @ target, np.float32)
    return signals


def _stress(times: Array, loudness_db: Array | None) -> Array:
    """How much wider than usual the jaw opens, (T,): 10 dB above the line's louder half is a quarter more."""
    if loudness_db is None or len(loudness_db) == 0:
        return np.ones_like(times)
    level = np.interp(np.arange(len(times)), np.arange(len(loudness_db)), loudness_db)
    level = np.convolve(np.pad(level, 7, mode="edge"), np.ones(15) / 15, mode="valid")  # 300 ms: a syllable
    usual = np.median(level[level >= np.median(level)])
    return np.asarray(np.clip(1 + 0.025 * (level - usual), 0.75, 1.3), np.float32)


def _smoothed(column: Array) -> Array:
    """The column under a bell of 20 ms, which takes the corners off without delaying anything."""
    bell = np.exp(-0.5 * np.arange(-3, 4) ** 2).astype(np.float32)
    return np.convolve(np.pad(column, 3, mode="edge"), bell / bell.sum(), mode="valid")


def _hold(phones: Sequence[Phone], share: dict[str, float], times: Array) -> Array:
    """How far a gesture that must happen has happened, (T,) 0..1: smooth ramps around each sound that needs it."""
    hold = np.zeros_like(times)
    for phone in phones:
        if phone.name in share:
            length_s = share[phone.name] * (phone.end_s - phone.start_s)
            if phone.burst_s is not None:
                length_s = phone.burst_s - phone.start_s
            end_s = phone.start_s + max(length_s, SHORTEST_SEAL_S)
            apart = np.maximum(np.maximum(phone.start_s - times, times - end_s), 0) / SEAL_RAMP_S
            hold = np.maximum(hold, 0.5 + 0.5 * np.cos(np.pi * np.minimum(apart, 1)))
    return hold


def _reach_teeth(signals: dict[str, Array], hold: Array) -> None:
    """Bring the lower lip under the upper teeth where hold says so."""
    for name, reached in {"mouthRollLower": 0.36, "mouthUpperUp": 0.22}.items():
        signals[name] = np.maximum(signals[name], hold * reached)
    for name, kept in {"mouthLowerDown": 0.1, "mouthPress": 0.0, "mouthFunnel": 0.5, "mouthRollUpper": 0.0}.items():
        signals[name] = signals[name] * (1 - hold * (1 - kept))
    signals["jawOpen"] = np.minimum(signals["jawOpen"], (1 - hold) + hold * 0.10)


def _seal(signals: dict[str, Array], hold: Array) -> None:
    """Close the lips over whatever the jaw does where hold says so; mouthClose is relative to jawOpen."""
    signals["jawOpen"] = np.minimum(signals["jawOpen"], (1 - hold) + hold * 0.18)
    for name, kept in {"mouthLowerDown": 0.0, "mouthUpperUp": 0.0, "mouthFunnel": 0.4}.items():
        signals[name] = signals[name] * (1 - hold * (1 - kept))
    signals["mouthPress"] = np.maximum(signals["mouthPress"], 0.22 * hold)
    signals["mouthClose"] = hold * signals["jawOpen"]
