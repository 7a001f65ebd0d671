"""Takes the tremble out of the mouth without opening a closure."""

from __future__ import annotations

from .. import channels
from ..curves import Curves, blurred
from ..prosody import Prosody
from ..settings import SmoothSettings
from .closures import keep_closures

OWNED = channels.GROUPS["jaw"] + channels.GROUPS["mouth"] + channels.GROUPS["cheeks"]


def smooth(curves: Curves, prosody: Prosody, settings: SmoothSettings) -> Curves:
    """Jaw, mouth and cheeks passed through a zero-phase Gaussian; what was sealed stays sealed."""
    names = [name for name in curves.names if name in OWNED]
    if settings.amount == 0 or settings.width_s == 0 or len(curves.values) < 2 or not names:
        return curves
    before = curves.select(names).values
    soft = blurred(before, settings.width_s * curves.rate)
    mixed = before + settings.amount * (soft - before)
    return keep_closures(curves, curves.with_columns(dict(zip(names, mixed.T, strict=True))))
