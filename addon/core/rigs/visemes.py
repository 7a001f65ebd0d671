"""Curves on a head that has only viseme keys: the nearest mix of their poses, never a switch from one to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..curves import Array, Curves, Doubles

# How much a channel counts: an opening that is off by a tenth is seen before a smile is.
IMPORTANCE = {"jawOpen": 2.0}
RIDGE = 5e-3  # of two poses that say the same it takes half of each, and moves between them without a jump
ENOUGH = 1e-5  # a row is solved when a sweep moves none of its weights by more
MOST_SWEEPS = 2000
BLOCK_ROWS = 4096  # fits the cache, and a long file needs no more memory than a short one


def solve(curves: Curves, poses: Sequence[Mapping[str, float]]) -> Array:
    """Weights of 0..1 for each pose, (T, V), whose mix is nearest to the curves and opens the mouth no wider.

    In the curves jawOpen is the gap between the lips and mouthClose the share of the jaw's opening that they close.
    """
    features = sorted({channel for pose in poses for channel in pose})
    count = np.array([IMPORTANCE.get(channel, 1.0) for channel in features])
    mixed = np.array([[pose.get(channel, 0.0) for channel in features] for pose in poses]) * count  # (V, F)
    wanted = curves.select(features).values.astype(np.float64) * count  # (T, F)
    blocks = [wanted[row : row + BLOCK_ROWS] for row in range(0, len(wanted), BLOCK_ROWS)]
    solved = [bounded_least_squares(mixed, block, RIDGE) for block in blocks]
    weights = np.concatenate([np.zeros((0, len(poses))), *solved])
    jaw = np.array([pose.get("jawOpen", 0.0) for pose in poses])
    gap = np.maximum(curves.column("jawOpen"), 0)
    opened = weights @ jaw
    keep = np.minimum(1, gap / np.maximum(opened, 1e-9))  # sealed lips stay sealed, whatever else the mix would like
    weights[:, jaw > 0] *= keep[:, np.newaxis]
    values: Array = weights.astype(np.float32)
    return values


def bounded_least_squares(poses: Doubles, wanted: Doubles, ridge: float) -> Doubles:
    """For each row of `wanted` (T, F) the w in 0..1, (T, V), with the least |w @ poses - wanted|² + ridge |w|².

    Coordinate descent, one pose at a time over all rows that still move. The ridge makes the minimum unique, so the
    answer does not depend on where the search began, and follows `wanted` without jumps.
    """
    gram = poses @ poses.T + ridge * np.eye(len(poses))
    pull = poses @ wanted.T  # (T, F) -> (V, T)
    weights = np.zeros_like(pull)
    moving = np.arange(len(wanted))
    for _ in range(MOST_SWEEPS):
        before, pulled = np.take(weights, moving, axis=1), np.take(pull, moving, axis=1)
        now = before.copy()
        for v, inertia in enumerate(gram.diagonal()):
            now[v] = np.minimum(np.maximum(now[v] + (pulled[v] - gram[v] @ now) / inertia, 0), 1)
        weights[:, moving] = now
        moving = moving[np.abs(now - before).max(axis=0, initial=0) > ENOUGH]
        if not len(moving):
            break
    return weights.T  # (V, T) -> (T, V)
