"""Micro-expressions: now and then something twitches on one side, small, and is gone within half a second."""

from __future__ import annotations

import numpy as np

from ..curves import Curves
from ..prosody import Prosody
from ..settings import MicroSettings
from .gestures import add_softly, dice, humps, speaking

SHAPES = ("browDown", "browOuterUp", "eyeSquint", "cheekSquint", "noseSneer", "mouthDimple", "mouthFrown", "mouthSmile")
OWNED = tuple(f"{shape}{side}" for shape in SHAPES for side in ("Left", "Right"))
LASTS_S = (0.2, 0.5)  # Yan et al. 2013: micro-expressions are over within half a second
OTHER_SIDE = 0.25  # so much of it shows on the other side
SMALLEST = 0.35  # of the size asked for
MOUTH_SPEAKING = 0.3  # so much is left of it on a mouth that speaks


def micro(curves: Curves, prosody: Prosody, settings: MicroSettings) -> Curves:
    """A few small, one-sided movements a minute, on top of what is there."""
    if settings.amount == 0 or not len(prosody.pitch_hz):
        return curves
    rng = dice(settings.seed, "micro", prosody)
    count = rng.poisson(settings.per_minute * prosody.duration_s / 60)
    times_s = rng.uniform(0, prosody.duration_s, count)
    widths_s = rng.uniform(*LASTS_S, count)
    sizes = settings.amount * settings.size * rng.uniform(SMALLEST, 1, count)
    kinds, sides = rng.integers(len(SHAPES), size=count), rng.integers(2, size=count)
    hushed = 1 - np.float32(1 - MOUTH_SPEAKING) * speaking(prosody, 0.1)
    shares = {}
    for kind in np.unique(kinds):
        for side, name in enumerate(("Left", "Right")):
            of = kinds == kind
            heights = sizes[of] * np.where(sides[of] == side, 1, OTHER_SIDE)
            share = np.minimum(humps(prosody, times_s[of], widths_s[of], heights), np.float32(settings.size))
            shares[f"{SHAPES[kind]}{name}"] = share * hushed if SHAPES[kind].startswith("mouth") else share
    return add_softly(curves, shares)
