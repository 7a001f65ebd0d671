"""What a curve file holds, and how its columns' names become channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import channels, rigs
from ..curves import Curves
from ..errors import FormatError, listed, quoted
from ..rigs.inverse import channels_of

ROLLS = ("leftEyeRoll", "rightEyeRoll")  # in Live Link Face's files, though no channel: eyes don't roll
PREFIX = "blendshapes."  # of Audio2Face-3D's columns
BY_LOWER_NAME = {name.lower(): name for name in (*channels.ALL, *ROLLS)}


@dataclass(frozen=True)
class Recording:
    """A curve file's curves, the time of day of their first row, and what the user should know about them."""

    curves: Curves
    start_s: float | None = None  # seconds after midnight; None where the file keeps no timecode
    notes: tuple[str, ...] = ()
    is_slow: bool = False  # whether its timecode falls behind the day, as 23.976 does that is counted as 24


def channel_of(name: str) -> str | None:
    """The channel that a column's name means, whatever its case; None if it means none."""
    return BY_LOWER_NAME.get(name.strip().lower().removeprefix(PREFIX))


def columns_of(names: Sequence[str]) -> dict[str, int]:
    """Channel → its column; of two columns with one name the last counts."""
    named = ((channel_of(name), column) for column, name in enumerate(names))
    return {channel: column for channel, column in named if channel}


def as_channels(curves: Curves) -> tuple[Curves, tuple[str, ...]]:
    """Curves by channel from curves by any names: those of ARKit, or the keys of a convention that is known."""
    if set(curves.names) <= set(BY_LOWER_NAME.values()):
        return curves, ()
    direct = columns_of(curves.names)
    others = [name for name in curves.names if channel_of(name) is None]
    detection = rigs.detect(curves.names)
    if detection.rig is None or len(detection.keys) <= len(direct):
        known = Curves(curves.values[:, list(direct.values())], tuple(direct), curves.rate)
        return known, (f"left out, for they are no channels: {listed(others)}",) if others else ()
    found = channels_of(detection.rig, curves)
    own = {name: curves.values[:, column] for name, column in direct.items()}
    unused = [name for name in others if name not in detection.found.values()]
    notes = [f"its names are those of {detection.rig.title}"]
    notes += [f"left out, for they are no channels: {listed(unused)}"] if unused else []
    return found.with_columns(own), tuple(notes)


def by_channel(path: Path, recording: Recording) -> Recording:
    """The same recording by channel, with a note on what is left out; a FormatError if it names none."""
    known, notes = as_channels(recording.curves)
    if not known.names:
        raise FormatError(f"{quoted(path)} names no channel that is known ({listed(recording.curves.names)})")
    return replace(recording, curves=known, notes=(*recording.notes, *notes))


def unheard(curves: Curves, carried: Sequence[str]) -> tuple[str, ...]:
    """The names of curves that move and that a format does not carry."""
    moving: Mapping[str, bool] = dict(zip(curves.names, curves.values.any(axis=0).tolist(), strict=True))
    return tuple(name for name, moves in moving.items() if moves and name not in carried)
