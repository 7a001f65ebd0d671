"""Who goes with whom: the assignment of rows to columns that is worth most."""

from __future__ import annotations

import numpy as np

from .shapes import Array, Index


def assigned(worth: Array) -> Index:
    """The column of each row, (R,), no column twice, with the largest sum of `worth` (R, C); needs R <= C.

    The Hungarian method with potentials, one shortest augmenting path a row.
    """
    rows, columns = worth.shape
    if rows > columns:
        raise ValueError(f"{rows} rows cannot go to {columns} columns")
    cost = worth.max(initial=0) - worth
    above, below = np.zeros(rows + 1), np.zeros(columns + 1)
    owner = np.full(columns + 1, -1, np.intp)  # the last column is where each search starts
    for row in range(rows):
        owner[columns] = row
        came = np.full(columns + 1, columns, np.intp)
        short = np.full(columns, np.inf)
        done = np.zeros(columns + 1, bool)
        at = columns
        while owner[at] >= 0:
            done[at] = True
            free = ~done[:columns]
            slack = cost[owner[at]] - above[owner[at]] - below[:columns]
            nearer = free & (slack < short)
            short[nearer], came[:columns][nearer] = slack[nearer], at
            next_at = int(np.argmin(np.where(free, short, np.inf)))
            step = short[next_at]
            above[owner[done]] += step
            below[done] -= step
            short[free] -= step
            at = next_at
        while at != columns:
            owner[at] = owner[came[at]]
            at = int(came[at])
    found = np.empty(rows, np.intp)
    taken = np.flatnonzero(owner[:columns] >= 0)
    found[owner[taken]] = taken
    return found
