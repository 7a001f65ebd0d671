"""Brows rise on accented syllables, a little before the voice does."""

from __future__ import annotations

import numpy as np

from ..curves import Curves
from ..prosody import Prosody, accents
from ..settings import BrowsSettings
from .gestures import dice, humps

LEAD_S = 0.06  # raises begin before the pitch accent (Flecha-García 2010)
WIDTH_S = (0.35, 0.7)  # shortest and longest raise
FAINT, FULL = 0.35, 0.75  # accents weaker than the one leave the brows alone, from the other on they rise fully
OUTER_SHARE = 0.5  # the outer brow follows by half


def brows(curves: Curves, prosody: Prosody, settings: BrowsSettings) -> Curves:
    """browInnerUp and browOuterUp raised on strong accents, on top of what the model gives, within 0..1."""
    times_s, strengths = accents(prosody)
    strong = strengths >= FAINT
    if settings.amount == 0 or not strong.any():
        return curves
    rng = dice(settings.seed, "brows", prosody)
    count = int(strong.sum())
    widths_s = rng.uniform(*WIDTH_S, count)
    shares = np.minimum(strengths[strong] / FULL, 1) * rng.uniform(0.4, 1.0, count)
    heights = shares * settings.raise_by * settings.amount
    lift = np.minimum(humps(prosody, times_s[strong] - LEAD_S, widths_s, heights), settings.raise_by)
    parts = {"browInnerUp": 1.0, "browOuterUpLeft": OUTER_SHARE, "browOuterUpRight": OUTER_SHARE}
    return curves.with_columns({n: np.clip(curves.column(n) + part * lift, 0, 1) for n, part in parts.items()})
