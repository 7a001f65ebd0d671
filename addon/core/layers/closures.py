"""The promise that outlasts every layer on the mouth: lips that are sealed stay sealed, and f and v reach the teeth."""

from __future__ import annotations

import numpy as np

from ..curves import SEALED_GAP, Array, Curves, Mask, lip_gap
from ..prosody import Prosody, runs, speech_mask

# They part lips that mouthClose has brought together, so in a closure they may shrink but not grow.
OPENERS = ("mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthFunnel")
# For f and v the lower lip rolls in under the upper teeth: what would take it away from them may not grow either,
AWAY_FROM_TEETH = (
    "jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthRollUpper", "mouthPressLeft", "mouthPressRight",
    "mouthShrugLower",
)  # fmt: skip
TO_TEETH = ("mouthUpperUpLeft", "mouthUpperUpRight")  # what clears them may not shrink,
AT_TEETH = ("mouthRollLower",)  # and what lays the lip on them may do neither: rolled further it lies behind them
ROLLED = 0.09, 0.25  # mouthRollLower where that begins to hold, and from where on it holds wholly
BEFORE_S, AFTER_S = 0.2, 0.1  # a closure begins before its phrase is heard, and may outlast it
EASE_S = 0.06  # what gives way to a closure is gone so long before it, and took as long to go: lips need 0.1 s to close


def keep_closures(before: Curves, after: Curves, where: Mask | None = None) -> Curves:
    """`after` with mouthClose within jawOpen, and the lips no further apart than in `before` where it sealed them.

    All rows are held to it; with `where` only its rows, and those around a closure by degrees, so that nothing snaps.
    What keeps the promise already is left as it is.
    """
    if not {"jawOpen", "mouthClose"} <= set(after.names):
        return after
    floor = np.maximum(lip_gap(before), 0)
    sealed = floor <= SEALED_GAP
    held = sealed.astype(np.float32) if where is None else eased(sealed & where, after.rate)
    jaw = after.column("jawOpen")
    most = np.maximum(jaw, 0)
    close = np.clip(after.column("mouthClose"), 0, most)
    further = np.maximum((jaw - close) - floor, 0)
    columns = {"mouthClose": np.minimum(close + held * further, most)}
    for name in OPENERS:
        if name in after.names:
            columns[name] = after.column(name) - held * np.maximum(after.column(name) - before.column(name), 0)
    return after.with_columns(columns)


def eased(share: Array | Mask, rate: float) -> Array:
    """The share, (T,), nowhere less than it was, that comes and goes within some rows instead of at once."""
    reach = round(EASE_S * rate)
    if not len(share) or not reach:
        return share.astype(np.float32)
    bell = np.hanning(2 * reach + 3)[1:-1]
    wide = highest_near(np.pad(share.astype(np.float32), reach, mode="edge"), reach)
    return np.maximum(np.convolve(wide, bell / bell.sum(), "valid"), share).astype(np.float32)


def highest_near(values: Array, reach: int) -> Array:
    """The highest of the values (T,) within `reach` rows on either side of each, (T,)."""
    if not len(values):
        return values
    padded = np.pad(values, reach, mode="edge")
    highest: Array = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
    return highest


def keep_teeth(before: Curves, after: Curves, where: Mask | None = None) -> Curves:
    """`after` in which the lower lip is as near to the upper teeth as in `before` where that took it there.

    With `where` only in its rows, and around an f or v by degrees, as keep_closures does.
    """
    if "mouthRollLower" not in after.names:
        return after
    start, full = ROLLED
    share = np.clip((before.column("mouthRollLower") - start) / (full - start), 0, 1)
    held = share * share * (3 - 2 * share)
    held = held if where is None else eased(held * where, after.rate)
    columns = {}
    for names, may_grow, may_shrink in (
        (AWAY_FROM_TEETH, False, True),
        (TO_TEETH, True, False),
        (AT_TEETH, False, False),
    ):
        for name in (name for name in names if name in after.names):
            change = after.column(name) - before.column(name)
            free = np.where(change > 0, may_grow, may_shrink)
            columns[name] = np.where(free, after.column(name), after.column(name) - held * change)
    return after.with_columns(columns)


def keep_speech(spoken: Curves, performed: Curves, prosody: Prosody) -> Curves:
    """The last pass: whatever was laid on, the closures and the f and v of `spoken` are there; pauses are left free."""
    near = near_speech(prosody)
    return keep_closures(spoken, keep_teeth(spoken, performed, near), near)


def near_speech(prosody: Prosody) -> Mask:
    """Where somebody speaks, is about to, or has just ended, (T,)."""
    starts, ends = runs(speech_mask(prosody))
    steps = np.zeros(len(prosody.pitch_hz) + 1, np.intp)
    np.add.at(steps, np.maximum(starts - round(BEFORE_S * prosody.rate), 0), 1)
    np.add.at(steps, np.minimum(ends + round(AFTER_S * prosody.rate), len(prosody.pitch_hz)), -1)
    near: Mask = np.cumsum(steps)[:-1] > 0
    return near


def openness(curves: Curves) -> Array:
    """How far apart the lips are, (T,), 0 sealed to 1 wide open in speech."""
    return np.asarray(np.clip(lip_gap(curves) / 0.12, 0, 1), np.float32)


def closedness(curves: Curves) -> Array:
    """How much of the jaw's opening the lips close, (T,), 1 in a closure; 0 where the jaw is shut anyway."""
    share = curves.column("mouthClose") / np.maximum(curves.column("jawOpen"), 0.02)
    return np.asarray(np.clip(share, 0, 1), np.float32)
