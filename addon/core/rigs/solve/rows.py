"""Guesses as what the rest of the house works with: rows of a mapping made by hand, or a RigMap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..custom import Row
from ..rigmap import RigMap
from .guessing import Guess

BY_LIKENESS = "guessed from its shapes"
EVEN = 0.15  # of two poses that say the same each takes its part
SMALLEST = 0.1  # gains below it are left out
LARGEST = 3.0  # a gain beyond it would only add noise


def rows_of(guesses: Sequence[Guess]) -> list[Row]:
    """Rows for these keys, the surest key first where several show one channel.

    Keys that are poses of several channels get gains that together come nearest to each channel (a pseudo-inverse of
    the poses), since a table of rows cannot weigh them against one another as `rig_of` does.
    """
    rows = [
        Row(channel, guess.key, gain=weight)
        for guess in guesses
        if not guess.is_mix
        for channel, weight in guess.weights.items()
    ]
    return rows + _rows_of_mixes([guess for guess in guesses if guess.is_mix])


def _rows_of_mixes(mixes: Sequence[Guess]) -> list[Row]:
    names = list(dict.fromkeys(channel for mix in mixes for channel in mix.weights))
    poses = np.array([[mix.weights.get(name, 0.0) for name in names] for mix in mixes]).reshape(len(mixes), len(names))
    gains = np.linalg.solve(poses @ poses.T + EVEN * np.eye(len(mixes)), poses)  # (V, C)
    return [
        Row(name, mix.key, gain=round(float(np.clip(gain, -LARGEST, LARGEST)), 3))
        for mix, its in zip(mixes, gains, strict=True)
        for name, gain in zip(names, its, strict=True)
        if abs(gain) > SMALLEST
    ]


def rig_of(guesses: Sequence[Guess], title: str = BY_LIKENESS) -> RigMap:
    """A RigMap of these keys; poses of several channels are mixed afresh for each instant, as visemes are."""
    return RigMap(
        name="guessed",
        title=title,
        weights={guess.key: guess.weights for guess in guesses if not guess.is_mix},
        visemes={guess.key: guess.weights for guess in guesses if guess.is_mix},
    )
