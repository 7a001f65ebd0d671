"""The performance: layers that take curves and return new ones, in the order in which they are laid on.

Each is a pure function of curves, prosody and its own settings, writes its own channel group only, but for blinks,
which weaken looks up and down, and at amount 0 returns the very curves it was given. `perform` is the order; the
take's seed varies every layer that draws.
"""

from __future__ import annotations

from ..curves import Curves
from ..direction import UNDIRECTED, Direction
from ..prosody import Prosody
from ..settings import Settings, seeded
from .articulation import articulation
from .blink import blink
from .breath import breath
from .brows import brows
from .closures import keep_speech
from .emotion import emotion
from .ends import rest_at_ends
from .gaze import gaze, plan
from .head import head
from .micro import micro
from .smooth import smooth


def perform(curves: Curves, prosody: Prosody, settings: Settings, direction: Direction = UNDIRECTED) -> Curves:
    """The model's raw channels with the whole performance on top."""
    rows, seed = len(prosody.pitch_hz), settings.seed
    if len(curves.values) != rows or curves.rate != prosody.rate:
        raise ValueError(f"{len(curves.values)} rows of curves, {rows} of prosody: need the same")
    curves = articulation(curves, prosody, seeded(settings.articulation, seed))
    curves = smooth(curves, prosody, settings.smooth)  # after articulation: what that has sealed, this leaves sealed
    spoken = rest_at_ends(curves, settings.articulation.amount)

    curves = emotion(spoken, prosody, seeded(settings.emotion, seed), direction.moods(rows, prosody.rate))
    curves = brows(curves, prosody, seeded(settings.brows, seed))
    curves = breath(curves, prosody, seeded(settings.breath, seed))
    curves = micro(curves, prosody, seeded(settings.micro, seed))

    # Planned even where gaze is muted, so that muting it moves neither the head nor the blinks.
    target, inwards = direction.looks(rows, prosody.rate), direction.inwards(rows, prosody.rate)
    looks = plan(prosody, seeded(settings.gaze, seed), target, inwards)
    curves = head(curves, prosody, seeded(settings.head, seed), looks)
    curves = gaze(curves, prosody, seeded(settings.gaze, seed), looks)  # after the head: eyes hold still in the world
    curves = blink(curves, prosody, seeded(settings.blink, seed), looks)
    return keep_speech(spoken, curves, prosody)


__all__ = ["articulation", "blink", "breath", "brows", "emotion", "gaze", "head", "micro", "perform", "plan", "smooth"]
