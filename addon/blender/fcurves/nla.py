"""What NLA strips do to a property: of a bake that was put there, or of the animator's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...core.curves import Array
from ..base import compat
from .targets import BAKED


def holds_bake(block: Any, path: str) -> bool:
    """Whether a strip that a bake was put into moves the property."""
    return any(BAKED in strip.action for strip in _moving(block, path))


def bakes(block: Any) -> list[Any]:
    """The Actions of bakes that move a data-block, its own before those of its strips."""
    animation = block.animation_data
    own = [animation.action] if animation and animation.action else []
    return [
        action for action in (*own, *(strip.action for track in _tracks(block) for strip in track)) if BAKED in action
    ]


def plays(block: Any, action: Any) -> bool:
    """Whether a strip of the data-block, or another data-block, plays an Action, which therefore must stay as it is."""
    if compat.moves_others(action, block):
        return True
    animation = block.animation_data
    strips = [strip for track in animation.nla_tracks for strip in track.strips] if animation else []
    while strips:
        if (strip := strips.pop()).action == action:
            return True
        strips += strip.strips  # of a meta strip
    return False


def let_play(block: Any) -> None:
    """Lets a data-block's strips, if any, go on to show what they hold beside an Action that it was just given."""
    if len(block.animation_data.nla_tracks):
        block.animation_data.action_extrapolation = "NOTHING"


def is_mixed(block: Any, path: str) -> bool:
    """Whether strips of the animator's move the property, and some are blended, bent in time or faded."""
    return not all(map(_is_plain, _theirs(block, path)))


def played(block: Any, path: str, rest: Array, frames: Sequence[int]) -> Array | None:
    """What the animator's strips make of a property whose numbers are `rest`, (N,): (T, N), one row a frame.

    None where nothing moves it, or they are mixed: only Blender itself can play those.
    """
    strips = _theirs(block, path)
    if not strips or is_mixed(block, path):
        return None
    values = np.tile(rest, (len(frames), 1))
    for row, frame in enumerate(frames):
        for track in _tracks(block):  # one above replaces what those below say
            strip = _playing(track, frame)
            if strip is not None and strip in strips:
                for curve in compat.strip_curves(strip, path):
                    values[row, curve.array_index] = curve.evaluate(_time_in(strip, frame))
    return values


def _tracks(block: Any) -> Iterator[list[Any]]:
    """The strips that are not muted, track by track, the lowest first."""
    animation = block.animation_data
    for track in animation.nla_tracks if animation and animation.use_nla else ():
        if not track.mute:
            yield [strip for strip in track.strips if not strip.mute and strip.action]


def _moving(block: Any, path: str) -> Iterator[Any]:
    """The strips that move a property."""
    for track in _tracks(block):
        yield from (strip for strip in track if compat.strip_curves(strip, path))


def _theirs(block: Any, path: str) -> list[Any]:
    return [strip for strip in _moving(block, path) if BAKED not in strip.action]


def _playing(track: Sequence[Any], frame: float) -> Any | None:
    """The strip of a track that plays at a frame: it lies there, or is held from before, or the first is held back."""
    begun = [strip for strip in track if strip.frame_start <= frame]
    if not begun:
        return next((strip for strip in track[:1] if strip.extrapolation == "HOLD"), None)
    is_held = frame <= begun[-1].frame_end or begun[-1].extrapolation != "NOTHING"
    return begun[-1] if is_held else None


def _is_plain(strip: Any) -> bool:
    steady = not (strip.use_animated_influence or strip.use_animated_time)
    whole = not (strip.use_reverse or strip.blend_in or strip.blend_out)
    return bool(steady and whole and strip.blend_type == "REPLACE")


def _time_in(strip: Any, frame: float) -> float:
    """The frame of the strip's Action that it plays at one of the scene."""
    passed = (min(max(frame, strip.frame_start), strip.frame_end) - strip.frame_start) / strip.scale
    length = strip.action_frame_end - strip.action_frame_start
    is_over = passed >= strip.repeat * length - 1e-3 and strip.repeat == round(strip.repeat)
    return float(strip.action_frame_start + (length if is_over else passed % max(length, 1e-3)))
