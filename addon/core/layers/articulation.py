"""Effort of jaw and lips, two axes from mumbling to enunciating, and sides that differ a little."""

from __future__ import annotations

import numpy as np

from .. import channels
from ..curves import Array, Curves
from ..prosody import Prosody
from ..settings import ArticulationSettings
from .closures import OPENERS, highest_near, keep_closures, keep_teeth
from .gestures import dice, drift

JAW = (*channels.GROUPS["jaw"], "mouthClose")  # mouthClose is relative to the jaw, so it scales with it
LIPS = tuple(name for name in channels.GROUPS["mouth"] if name != "mouthClose")
UPPER_LIP = ("mouthUpperUpLeft", "mouthUpperUpRight", "mouthShrugUpper", "mouthRollUpper")
PAIRS = tuple(name[:-4] for name in LIPS if name.endswith("Left") and name != "mouthLeft")
PRESSED = 0.9  # so much of what parts the lips gives way in a closure
CLOSURE_REACH_S = 0.06  # lips are on their way to a closure for so long, and from it
OPEN_JAW = np.float32(0.03)
LEAST_JAW = np.float32(1e-3)  # below it the mouth is shut anyway
MEDIAN_OF_NORMAL = 0.674  # the median of |x| where x is normal with a standard deviation of 1
WAVER = 0.35  # within a take a side gains and loses a third of what sides differ by (.01 to .05 in two real takes)
WAVER_HZ = (0.1, 0.6)


def articulation(curves: Curves, prosody: Prosody, settings: ArticulationSettings) -> Curves:
    """Jaw and lips scaled by their effort, half closures sealed, within 0..1; sealed lips stay sealed, f stays f."""
    if settings.amount == 0:
        return curves
    gains = dict.fromkeys(JAW, settings.jaw) | dict.fromkeys(LIPS, settings.lips)
    gains |= dict.fromkeys(UPPER_LIP, settings.lips * settings.upper_lip)
    scaled = {
        name: np.clip(curves.column(name) * np.float32(1 + settings.amount * (gains[name] - 1)), 0, 1)
        for name in curves.names
        if name in gains
    }
    if {"jawOpen", "mouthClose"} <= set(scaled):
        scaled |= _sealed(scaled, settings, curves.rate)
    after = curves.with_columns(scaled | _uneven(scaled, prosody, settings))
    everywhere = np.ones(len(after.values), np.bool_)  # by degrees, or a jaw of much effort snaps to an f
    return keep_closures(curves, keep_teeth(curves, after, everywhere))


def _sealed(columns: dict[str, Array], settings: ArticulationSettings, rate: float) -> dict[str, Array]:
    """mouthClose that has made up its mind, and lips that no longer draw apart where it has.

    A network that is unsure closes the lips by half, a mouth never does; and it may close them over a lower lip that
    is still drawn down, which leaves a slit. A closure keeps its shape in time: it is carried on to its end as a whole.
    """
    jaw, close = columns["jawOpen"], columns["mouthClose"]
    share = close / np.maximum(jaw, LEAST_JAW)
    peak = highest_near(share, round(CLOSURE_REACH_S * rate))
    sure = np.clip(2 * peak / settings.seal_from - 1, 0, 1)  # 0 at half the share from which a closure is whole
    pull = np.float32(settings.amount) * sure * sure * (3 - 2 * sure)
    closed = share + pull * (share / np.maximum(peak, LEAST_JAW) - share)
    sealed = {"mouthClose": np.asarray(np.clip(closed * jaw, close, jaw), np.float32)}
    pressed = np.float32(PRESSED) * pull * closed * closed * np.clip(jaw / OPEN_JAW, 0, 1)  # at rest nothing is pressed
    for name in OPENERS:
        if name in columns:
            sealed[name] = columns[name] * (1 - pressed)
    return sealed


def _uneven(columns: dict[str, Array], prosody: Prosody, settings: ArticulationSettings) -> dict[str, Array]:
    """Left and right of every pair, the one a little stronger, each pair in its own way; their mean stays."""
    if settings.asymmetry == 0:
        return {}
    rng = dice(settings.seed, "asymmetry", prosody)
    spread = settings.amount * settings.asymmetry / MEDIAN_OF_NORMAL
    lean = np.clip(rng.standard_normal(len(PAIRS)), -2, 2)
    sway = drift(rng, len(prosody.pitch_hz), prosody.rate, WAVER_HZ)
    uneven = {}
    for pair, share in zip(PAIRS, lean, strict=True):
        left, right = f"{pair}Left", f"{pair}Right"
        if left in columns and right in columns:
            more = np.clip(spread * (share + WAVER * sway), -0.9, 0.9).astype(np.float32)
            uneven[left] = np.clip(columns[left] * (1 + more), 0, 1)
            uneven[right] = np.clip(columns[right] * (1 - more), 0, 1)
    return uneven
