"""A breath before a phrase: the nostrils flare and the jaw drops a little, and all is back before the first sound."""

from __future__ import annotations

import numpy as np

from ..curves import Curves
from ..prosody import Prosody, phrases
from ..settings import BreathSettings
from .closures import AFTER_S, BEFORE_S
from .gestures import add_softly, dice, humps

OWNED = ("noseSneerLeft", "noseSneerRight", "jawOpen")
SHORTEST_S, LONGEST_S = 0.36, 0.7  # speakers breathe in fast, and in a pause
DEEPEST_AFTER_S = 3.0  # a phrase of that length gets a full breath: long ones get longer ones (Whalen 1997)
SHALLOWEST = 0.4


def breath(curves: Curves, prosody: Prosody, settings: BreathSettings) -> Curves:
    """noseSneer and jawOpen swell in the pauses before phrases; short pauses and the rest of the line stay as is."""
    spans = phrases(prosody).astype(np.float64)
    if settings.amount == 0 or not len(spans):
        return curves
    rng = dice(settings.seed, "breath", prosody)
    free_s = spans[:, 0] - BEFORE_S - np.concatenate([[0.0], spans[:-1, 1] + AFTER_S])
    lengths_s = np.minimum(LONGEST_S * rng.uniform(0.8, 1.0, len(spans)), free_s)
    depths = np.clip((spans[:, 1] - spans[:, 0]) / DEEPEST_AFTER_S, SHALLOWEST, 1) * rng.uniform(0.7, 1.0, len(spans))
    breathes = lengths_s >= SHORTEST_S
    middles_s = (spans[:, 0] - BEFORE_S - lengths_s / 2)[breathes]
    swell = humps(prosody, middles_s, lengths_s[breathes], settings.amount * depths[breathes])
    nostrils = np.float32(settings.nostrils) * swell
    shares = {"noseSneerLeft": nostrils, "noseSneerRight": nostrils, "jawOpen": np.float32(settings.jaw) * swell}
    return add_softly(curves, shares)
