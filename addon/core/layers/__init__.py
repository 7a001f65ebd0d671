"""The performance: layers that take curves and return new ones, in the order in which they are laid on."""

from __future__ import annotations

from ..curves import Curves
from ..prosody import Prosody
from ..settings import Settings
from .articulation import articulation
from .smooth import smooth


def perform(curves: Curves, prosody: Prosody, settings: Settings) -> Curves:
    """The model's raw channels with the whole performance on top."""
    curves = smooth(curves, prosody, settings.smooth)
    return articulation(curves, prosody, settings.articulation)
