"""The promise that outlasts every layer on the mouth: where the model sealed the lips, they stay sealed."""

from __future__ import annotations

import numpy as np

from ..curves import SEALED_GAP, Curves, lip_gap

# They part lips that mouthClose has brought together, so in a closure they may shrink but not grow.
OPENERS = ("mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthFunnel")


def keep_closures(before: Curves, after: Curves) -> Curves:
    """`after` with mouthClose within jawOpen, and the lips no further apart than in `before` where it sealed them."""
    if not {"jawOpen", "mouthClose"} <= set(after.names):
        return after
    floor = np.maximum(lip_gap(before), 0)
    sealed = floor <= SEALED_GAP
    gap = np.maximum(lip_gap(after), 0)
    columns = {"mouthClose": after.column("jawOpen") - np.where(sealed, np.minimum(gap, floor), gap)}
    for name in OPENERS:
        if name in after.names:
            limit = np.where(sealed, before.column(name), np.inf)
            columns[name] = np.minimum(after.column(name), limit)
    columns["mouthClose"] = np.maximum(columns["mouthClose"], 0)
    return after.with_columns(columns)
