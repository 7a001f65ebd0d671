"""Curves on a head that has only viseme keys: the nearest mix of their poses, never a switch from one to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ..curves import Array, Curves

Matrix = npt.NDArray[np.float64]

# How much a channel counts: an opening that is off by a tenth is seen before a smile is.
IMPORTANCE = {"jawOpen": 2.0}
RIDGE = 2e-3  # of two poses that say the same it takes half of each, and moves between them without a jump
ENOUGH = 1e-7  # the solve stops when no weight moves by more
MOST_SWEEPS = 2000


def solve(curves: Curves, poses: Sequence[Mapping[str, float]]) -> Array:
    """Weights of 0..1 for each pose, (T, V), whose mix is nearest to the curves and opens the mouth no wider.

    In the curves jawOpen is the gap between the lips and mouthClose the share of the jaw's opening that they close.
    """
    features = sorted({channel for pose in poses for channel in pose})
    count = np.array([IMPORTANCE.get(channel, 1.0) for channel in features])
    mixed = np.array([[pose.get(channel, 0.0) for channel in features] for pose in poses]) * count  # (V, F)
    wanted = curves.select(features).values.astype(np.float64) * count  # (T, F)
    weights = bounded_least_squares(mixed, wanted, RIDGE)
    jaw = np.array([pose.get("jawOpen", 0.0) for pose in poses])
    gap = np.maximum(curves.column("jawOpen"), 0)
    opened = weights @ jaw
    keep = np.minimum(1, gap / np.maximum(opened, 1e-9))  # sealed lips stay sealed, whatever else the mix would like
    weights[:, jaw > 0] *= keep[:, np.newaxis]
    return weights.astype(np.float32)


def bounded_least_squares(poses: Matrix, wanted: Matrix, ridge: float) -> Matrix:
    """For each row of `wanted` (T, F) the w in 0..1, (T, V), with the least |w @ poses - wanted|² + ridge |w|².

    Coordinate descent, one pose at a time over all rows at once. The ridge makes the minimum unique, so the answer does
    not depend on where the search began and follows `wanted` without jumps.
    """
    gram = poses @ poses.T + ridge * np.eye(len(poses))
    pull = wanted @ poses.T  # (T, V)
    weights = np.zeros_like(pull)
    for _ in range(MOST_SWEEPS):
        moved = 0.0
        for v in range(len(poses)):
            best = weights[:, v] + (pull[:, v] - weights @ gram[:, v]) / gram[v, v]
            best = np.clip(best, 0, 1)
            moved = max(moved, float(np.abs(best - weights[:, v]).max(initial=0)))
            weights[:, v] = best
        if moved <= ENOUGH:
            break
    return weights
