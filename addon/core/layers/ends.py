"""A take begins and ends at rest, so that takes join: whatever is held before and after it is no half-spoken sound."""

from __future__ import annotations

import numpy as np

from .. import channels
from ..curves import Array, Curves
from .closures import AT_TEETH, TO_TEETH

MOUTH = channels.GROUPS["jaw"] + channels.GROUPS["mouth"] + channels.GROUPS["cheeks"]
MOUTH_S = 0.08  # half open after 40 ms: sound that is early by 45 ms is noticed (ITU-R BT.1359)
TEETH_S = 0.04  # an f of a frame's length is at the teeth on the next


def inwards(rows: int, rate: float, width_s: float) -> Array:
    """0 at both ends of a take, 1 from `width_s` inwards, (T,)."""
    row = np.arange(rows)
    near = np.clip(np.minimum(row, row[::-1]) / (width_s * rate), 0, 1)
    return np.asarray(near * near * (3 - 2 * near), np.float32)


def rest_at_ends(curves: Curves, amount: float = 1.0) -> Curves:
    """The mouth shut on the first and the last row, even where a recording is cut close to the words."""
    names = [name for name in curves.names if name in MOUTH]
    if amount == 0 or not names:
        return curves
    rows, rate = len(curves.values), curves.rate
    mouth, lip = (1 - np.float32(amount) * (1 - inwards(rows, rate, width_s)) for width_s in (MOUTH_S, TEETH_S))
    return curves.with_columns(
        {name: curves.column(name) * (lip if name in AT_TEETH + TO_TEETH else mouth) for name in names}
    )
