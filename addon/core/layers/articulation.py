"""Effort of jaw and lips, two axes from mumbling to enunciating; closure floors are enforced last."""

from __future__ import annotations

import numpy as np

from .. import channels
from ..curves import Curves
from ..prosody import Prosody
from ..settings import ArticulationSettings
from .closures import keep_closures

JAW = (*channels.GROUPS["jaw"], "mouthClose")  # mouthClose is relative to the jaw, so it scales with it
LIPS = tuple(name for name in channels.GROUPS["mouth"] if name != "mouthClose")


def articulation(curves: Curves, prosody: Prosody, settings: ArticulationSettings) -> Curves:
    """Jaw and lips scaled by their effort, within 0..1; sealed lips stay sealed and mouthClose within jawOpen."""
    if settings.amount == 0:
        return curves
    gains = dict.fromkeys(JAW, settings.jaw) | dict.fromkeys(LIPS, settings.lips)
    scaled = {
        name: np.clip(curves.column(name) * np.float32(1 + settings.amount * (gains[name] - 1)), 0, 1)
        for name in curves.names
        if name in gains
    }
    return keep_closures(curves, curves.with_columns(scaled))
