"""The promise that outlasts every layer: where the model sealed the lips, they stay sealed."""

from __future__ import annotations

import numpy as np

from ..curves import SEALED_GAP, Curves, lip_gap


def keep_closures(before: Curves, after: Curves) -> Curves:
    """`after` with mouthClose within jawOpen, and raised to it wherever `before` had the lips sealed."""
    if "mouthClose" not in after.names or "jawOpen" not in after.names:
        return after
    jaw = after.column("jawOpen")
    sealed = lip_gap(before) <= SEALED_GAP
    close = np.minimum(
        np.where(sealed, np.maximum(after.column("mouthClose"), jaw - SEALED_GAP), after.column("mouthClose")), jaw
    )
    return after.with_columns({"mouthClose": close})
