"""The whole flow: sound → model → raw curves → layers. Rigs, keys and files come after it. Read this first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import channels, prosody
from .audio import Audio, open_sound
from .curves import Curves
from .layers import perform
from .model import RATE, FaceModel, model_path
from .settings import DEFAULTS, Settings

Progress = Callable[[float], None]
Note = Callable[[str], None]


def animate(
    source: Path | Audio,
    settings: Settings = DEFAULTS,
    progress: Progress | None = None,
    note: Note | None = None,
    model: FaceModel | None = None,
) -> Curves:
    """A facial performance of the sound: every channel of `channels.ALL`, 50 rows a second.

    `progress` hears the fraction done after every window and may raise `Cancelled` to stop; `note` hears what the
    user should know (a truncated file, a device that is not there). A model already loaded is used as it is.
    """
    sound = open_sound(source)
    if model is None:
        model = FaceModel.load(model_path(settings.model.path), settings.model.device, settings.model.threads)
    if note and model.note:
        note(model.note)

    raw, heard = [], []
    for window in model.windows(sound.blocks(note), settings.model.window_s):
        raw.append(model.predict(window, settings.model.style))
        heard.append(prosody.measure(window))
        if progress:
            progress(min(1.0, window.end_s / sound.duration_s))

    curves = Curves(np.concatenate(raw), model.card.channels, RATE)
    return perform(curves, prosody.gather(heard), settings).select(channels.ALL)
