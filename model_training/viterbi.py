"""The best way of a sequence through time: units in their order, each for a least time, some of which may be missed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
NEVER = -1e9
STAY, STEP, LEAP = range(3)  # where a state is come to from: itself, the state before it, the unit before the last


def best_path(fits: Floats, least: npt.NDArray[np.int64], optional: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Which unit each frame belongs to, (F,), where fits (F, U) says how well each unit would be there.

    A unit lasts for its `least` (U,) frames or more; an `optional` (U,) one, never two in a row, may be missed.
    """
    if least[~optional].sum() > len(fits) or not len(fits):
        raise ValueError(f"{len(fits)} frames are too few for {int((~optional).sum())} units")
    units = np.repeat(np.arange(len(least)), least)  # (S,): a unit has a state for each frame of its least time
    last = np.cumsum(least) - 1
    first = last - least + 1
    stays = np.full(len(units), NEVER)
    stays[last] = 0.0
    over = np.flatnonzero(optional[1:-1]) + 1  # units that can be leapt over, from the one before to the one after
    leaps = np.full(len(units), len(units))
    leaps[first[over + 1]] = last[over - 1]
    before = np.full(len(units) + 1, NEVER)  # best scores that end in each state; what lies past them is never
    before[first[: 1 + optional[0]]] = fits[0, : 1 + optional[0]]
    came = np.zeros((len(fits), len(units)), np.uint8)
    for frame in range(1, len(fits)):
        ways = np.stack([before[:-1] + stays, before[np.arange(-1, len(units) - 1)], before[leaps]])
        came[frame] = ways.argmax(axis=0)
        before[:-1] = ways.max(axis=0) + fits[frame, units]
    ends = last[-1 - optional[-1] :]
    return units[_walk_back(came, leaps, int(ends[before[ends].argmax()]))]


def _walk_back(came: npt.NDArray[np.uint8], leaps: npt.NDArray[np.int64], state: int) -> npt.NDArray[np.int64]:
    path = np.empty(len(came), np.int64)
    for frame in range(len(came) - 1, -1, -1):
        path[frame] = state
        state = (state, state - 1, int(leaps[state]))[came[frame, state]]
    return path
