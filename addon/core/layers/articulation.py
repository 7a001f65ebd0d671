"""Effort of jaw and lips, two axes from mumbling to enunciating; closure floors are enforced last."""

from __future__ import annotations

import numpy as np

from .. import channels
from ..curves import Array, Curves
from ..prosody import Prosody
from ..settings import ArticulationSettings
from .closures import keep_closures

JAW = (*channels.GROUPS["jaw"], "mouthClose")  # mouthClose is relative to the jaw, so it scales with it
LIPS = tuple(name for name in channels.GROUPS["mouth"] if name != "mouthClose")
LEAST_JAW = np.float32(1e-3)  # below it the mouth is shut anyway


def articulation(curves: Curves, prosody: Prosody, settings: ArticulationSettings) -> Curves:
    """Jaw and lips scaled by their effort, half closures sealed, within 0..1; sealed lips stay sealed."""
    if settings.amount == 0:
        return curves
    gains = dict.fromkeys(JAW, settings.jaw) | dict.fromkeys(LIPS, settings.lips)
    scaled = {
        name: np.clip(curves.column(name) * np.float32(1 + settings.amount * (gains[name] - 1)), 0, 1)
        for name in curves.names
        if name in gains
    }
    if {"jawOpen", "mouthClose"} <= set(scaled):
        scaled["mouthClose"] = _sealed(scaled["jawOpen"], scaled["mouthClose"], settings)
    return keep_closures(curves, curves.with_columns(scaled))


def _sealed(jaw: Array, close: Array, settings: ArticulationSettings) -> Array:
    """mouthClose that has made up its mind: a network that is unsure closes the lips by half, a mouth never does."""
    share = close / np.maximum(jaw, LEAST_JAW)
    sure = np.clip(2 * share / settings.seal_from - 1, 0, 1)  # 0 at half the share from which a closure is whole
    pull = np.float32(settings.amount) * sure * sure * (3 - 2 * sure)
    return np.asarray(close + pull * np.maximum(jaw - close, 0), np.float32)
