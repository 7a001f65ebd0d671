"""The performance: layers that take curves and return new ones, in the order in which they are laid on.

Each is a pure function of curves, prosody and its own settings, writes its own channel group only, and at amount 0
returns the very curves it was given. `perform` is the order; the take's seed varies every layer that draws.
"""

from __future__ import annotations

from ..curves import Curves
from ..prosody import Prosody
from ..settings import Settings, seeded
from .articulation import articulation
from .blink import blink
from .brows import brows
from .gaze import gaze
from .head import head
from .smooth import smooth


def perform(curves: Curves, prosody: Prosody, settings: Settings) -> Curves:
    """The model's raw channels with the whole performance on top."""
    if len(curves.values) != len(prosody.pitch_hz) or curves.rate != prosody.rate:
        raise ValueError(f"{len(curves.values)} rows of curves, {len(prosody.pitch_hz)} of prosody: need the same")
    curves = articulation(curves, prosody, settings.articulation)
    curves = smooth(curves, prosody, settings.smooth)  # after articulation: what that has sealed, this leaves sealed
    curves = brows(curves, prosody, seeded(settings.brows, settings.seed))
    curves = head(curves, prosody, seeded(settings.head, settings.seed))
    curves = gaze(curves, prosody, seeded(settings.gaze, settings.seed))  # after the head: eyes hold still in the world
    return blink(curves, prosody, seeded(settings.blink, settings.seed))


__all__ = ["articulation", "blink", "brows", "gaze", "head", "perform", "smooth"]
