"""Brows and cheeks that rise on accented syllables, a little before the voice does."""

from __future__ import annotations

import numpy as np

from ..curves import Array, Curves, Mask
from ..prosody import Prosody, accents, relative_pitch
from ..settings import BrowsSettings
from .ends import inwards
from .gestures import add_softly, dice, humps

LEAD_S = 0.06  # raises begin before the pitch accent (Flecha-García 2010)
WIDTH_S = (0.35, 0.7)  # shortest and longest raise
FAINT, FULL = 0.35, 0.75  # accents weaker than the one leave the brows alone, from the other on they rise fully
OUTER_SHARE = 0.5  # the outer brow follows by half
LOW = 0.25  # of the speaker's range: an accent below it is made by loudness, and brows go down on some of those
FROWNING = 0.6  # so many of them
SIDE_SPREAD = 0.12  # standard deviation between left and right
EDGE_S = 0.25  # a take begins and ends with them at rest, so that takes join
CHEEK_LAG_S = 0.04  # cheeks go with the voice, not before it


def brows(curves: Curves, prosody: Prosody, settings: BrowsSettings) -> Curves:
    """Brows raised on strong accents, lowered on some that are loud and low, cheeks lifted; on top of what is there."""
    times_s, strengths = accents(prosody)
    strong = strengths >= FAINT
    if settings.amount == 0 or not strong.any():
        return curves
    times_s, shares = times_s[strong], np.minimum(strengths[strong] / FULL, 1)
    rng = dice(settings.seed, "brows", prosody)
    count = len(times_s)
    widths_s = rng.uniform(*WIDTH_S, count)
    sizes = shares * rng.uniform(0.4, 1.0, count)
    rows = np.minimum(np.rint(times_s * prosody.rate).astype(np.intp), len(prosody.pitch_hz) - 1)
    down = (relative_pitch(prosody)[rows] < LOW) & (rng.random(count) < FROWNING)
    fade = inwards(len(prosody.pitch_hz), prosody.rate, EDGE_S)
    left = 1 + SIDE_SPREAD * np.clip(rng.standard_normal(3), -2, 2)  # outer brow, frown, cheek

    def moved(which: Mask, by: float, shift_s: float = -LEAD_S) -> Array:
        lift = humps(prosody, times_s[which] + shift_s, widths_s[which], sizes[which] * by * settings.amount)
        return np.minimum(fade * lift, np.float32(by))

    raised, lowered = moved(~down, settings.raise_by), moved(down, settings.frown_by)
    cheeks = moved(np.full(count, True), settings.cheeks_by, CHEEK_LAG_S)
    shares_of = {"browInnerUp": raised}
    for name, move, side in (
        ("browOuterUp", OUTER_SHARE * raised, left[0]),
        ("browDown", lowered, left[1]),
        ("cheekSquint", cheeks, left[2]),
    ):
        shares_of[f"{name}Left"] = np.clip(move * np.float32(side), 0, 1)
        shares_of[f"{name}Right"] = np.clip(move * np.float32(2 - side), 0, 1)
    return add_softly(curves, shares_of)
