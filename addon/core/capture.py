"""A captured take as a performance: in step with its sound, completed where it lacks something, kept otherwise."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from . import channels, pipeline
from .acoustics import FLOOR_DB
from .curves import Array, Curves
from .heard import Heard
from .layers.blink import GIVING_WAY
from .model import RATE
from .prosody import Prosody
from .settings import Settings

# What layers may do for a capture, and the channels that they do it to.
BLINKS, BROWS, GAZE, HEAD = "BLINKS", "BROWS", "GAZE", "HEAD"
LAYERS = {
    BLINKS: ("eyeBlinkLeft", "eyeBlinkRight"),
    BROWS: channels.GROUPS["brows"],
    GAZE: channels.GROUPS["gaze"],
    HEAD: channels.HEAD,
}
SIDES = (("left", "Left", "Out", "In"), ("right", "Right", "In", "Out"))  # which look is to the character's left


def with_both_gazes(curves: Curves) -> Curves:
    """Curves whose eyes both look (as shapes) and turn (in radians); where one is missing it follows from the other."""
    added: dict[str, Array] = {}
    for side, ending, leftwards, rightwards in SIDES:
        pairs = {
            f"{side}EyeYaw": (f"eyeLook{rightwards}{ending}", f"eyeLook{leftwards}{ending}"),
            f"{side}EyePitch": (f"eyeLookDown{ending}", f"eyeLookUp{ending}"),
        }
        looks = not {name for pair in pairs.values() for name in pair}.isdisjoint(curves.names)
        turns = not pairs.keys().isdisjoint(curves.names)
        for angle, (plus, minus) in pairs.items():
            if looks and not turns:
                added[angle] = (curves.column(plus) - curves.column(minus)) * np.float32(channels.EYE_UNIT_RAD)
            if turns and not looks:
                unit = curves.column(angle) / np.float32(channels.EYE_UNIT_RAD)
                added |= {plus: np.maximum(unit, 0), minus: np.maximum(-unit, 0)}
    return curves.with_columns(added)


def closed_no_further_than_the_jaw(curves: Curves) -> Curves:
    """Curves whose mouthClose never exceeds jawOpen, as it does by some hundredths in real captures."""
    if not {"jawOpen", "mouthClose"} <= set(curves.names):
        return curves
    most = np.maximum(curves.column("jawOpen"), 0)
    return curves.with_columns({"mouthClose": np.minimum(curves.column("mouthClose"), most)})


def from_s(curves: Curves, start_s: float) -> Curves:
    """The curves from the row nearest to a time on."""
    return replace(curves, values=curves.values[max(0, round(start_s * curves.rate)) :])


def with_layers(
    curves: Curves, chosen: Collection[str], settings: Settings, heard: Heard | None, sound_s: float
) -> Curves:
    """Curves with some layers of the performance: blinks close lids further, and what else moves lids gives way to
    them; the others take the capture's place.

    The voice leads the layers where it was heard; `sound_s` is where in the sound the capture begins, in seconds.
    Without a voice they idle. Eyes answer the head that the curves have in the end.
    """
    if not chosen or not len(curves.values):
        return curves
    if heard is None:
        rows, sound_s = int(np.ceil(curves.duration_s * RATE)) + 1, 0.0
        prosody = Prosody(np.full(rows, FLOOR_DB, np.float32), np.zeros(rows, np.float32))
    else:
        prosody = heard.prosody
    at = np.arange(len(curves.values)) / curves.rate + sound_s
    clock = np.arange(len(prosody.pitch_hz)) / prosody.rate
    still = Curves(np.zeros((len(clock), 2), np.float32), ("jawOpen", "mouthClose"), prosody.rate)
    if HEAD not in chosen:
        still = still.with_columns(
            {name: np.interp(clock, at, curves.column(name)).astype(np.float32) for name in channels.HEAD}
        )
    laid = pipeline.perform(Heard(still, prosody), _only(settings, chosen))
    columns: dict[str, Array] = {}
    for name in (name for layer in LAYERS if layer in chosen for name in LAYERS[layer]):
        column = np.interp(at, clock, laid.column(name)).astype(np.float32)
        columns[name] = np.maximum(curves.column(name), column) if name in LAYERS[BLINKS] else column
    if BLINKS in chosen:
        for name in (name for name in GIVING_WAY if name in curves.names and name not in columns):
            shut = laid.column("eyeBlinkLeft" if name.endswith("Left") else "eyeBlinkRight")
            columns[name] = curves.column(name) * (1 - np.interp(at, clock, shut).astype(np.float32))
    return curves.with_columns(columns)


def _only(settings: Settings, chosen: Collection[str]) -> Settings:
    """The settings with every layer silent but those that are chosen."""

    def amount(layer: str, value: float) -> float:
        return value if layer in chosen else 0.0

    return replace(
        settings,
        articulation=replace(settings.articulation, amount=0.0),
        smooth=replace(settings.smooth, amount=0.0),
        emotion=replace(settings.emotion, amount=0.0),
        breath=replace(settings.breath, amount=0.0),
        micro=replace(settings.micro, amount=0.0),
        brows=replace(settings.brows, amount=amount(BROWS, settings.brows.amount)),
        gaze=replace(settings.gaze, amount=amount(GAZE, settings.gaze.amount)),
        head=replace(settings.head, amount=amount(HEAD, settings.head.amount)),
        blink=replace(settings.blink, amount=amount(BLINKS, settings.blink.amount)),
    )
