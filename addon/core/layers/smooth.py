"""Takes the tremble out of the mouth without opening a closure or taking the lip from the teeth."""

from __future__ import annotations

import numpy as np

from .. import channels
from ..curves import Curves, blurred
from ..prosody import Prosody
from ..settings import SmoothSettings
from .closures import keep_closures, keep_teeth

OWNED = channels.GROUPS["jaw"] + channels.GROUPS["mouth"] + channels.GROUPS["cheeks"]


def smooth(curves: Curves, prosody: Prosody, settings: SmoothSettings) -> Curves:
    """Jaw, mouth and cheeks passed through a zero-phase Gaussian; sealed lips stay sealed, f and v at the teeth."""
    names = [name for name in curves.names if name in OWNED]
    if settings.amount == 0 or settings.width_s == 0 or len(curves.values) < 2 or not names:
        return curves
    before = curves.select(names).values
    soft = blurred(before, settings.width_s * curves.rate)
    mixed = np.clip(before + settings.amount * (soft - before), before.min(axis=0), before.max(axis=0))  # for rounding
    smoothed = curves.with_columns(dict(zip(names, mixed.T, strict=True)))
    return keep_closures(curves, keep_teeth(curves, smoothed))
