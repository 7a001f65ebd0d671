"""The whole flow: sound → model → raw curves → layers. Rigs, keys and files come after it. Read this first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import acoustics, channels, layers, prosody
from .audio import Audio, Note, open_sound
from .curves import Curves
from .direction import UNDIRECTED, Direction
from .heard import Heard
from .model import RATE, FaceModel, model_path
from .settings import DEFAULTS, Settings

Progress = Callable[[float], None]


def animate(
    source: Path | Audio,
    settings: Settings = DEFAULTS,
    progress: Progress | None = None,
    note: Note | None = None,
    model: FaceModel | None = None,
    direction: Direction = UNDIRECTED,
) -> Curves:
    """A facial performance of the sound: every channel of `channels.ALL`, 50 rows a second."""
    return perform(listen(source, settings, progress, note, model), settings, direction)


def listen(
    source: Path | Audio,
    settings: Settings = DEFAULTS,
    progress: Progress | None = None,
    note: Note | None = None,
    model: FaceModel | None = None,
) -> Heard:
    """The slow part: what the model hears in the sound, and how it is said; of the settings only `model` counts.

    `progress` hears the fraction done after every window and may raise `Cancelled` to stop; `note` hears what the
    user should know (a truncated file, a device that is not there). A model already loaded is used as it is.
    """
    notes: list[str] = []

    def tell(text: str) -> None:
        notes.append(text)
        if note:
            note(text)

    sound = open_sound(source)
    if model is None:
        model = FaceModel.load(model_path(settings.model.path), settings.model.device, settings.model.threads)
    if model.note:
        tell(model.note)

    raw, said = [], []
    for window in model.windows(sound.blocks(tell), settings.model.window_s):
        raw.append(model.predict(window, settings.model.style))
        said.append(acoustics.measure(window))
        if progress:
            progress(min(1.0, window.end_s / sound.duration_s))
    curves = Curves(np.concatenate(raw), model.card.channels, RATE)
    return Heard(curves, prosody.gather(said), tuple(notes))


def perform(heard: Heard, settings: Settings = DEFAULTS, direction: Direction = UNDIRECTED) -> Curves:
    """The quick part: the layers on what was heard; the same line with other settings needs no second listening."""
    return layers.perform(heard.curves, heard.prosody, settings, direction).select(channels.ALL)
