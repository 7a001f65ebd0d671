"""What an earlier bake of a head has moved and this one does not, since its mapping or Rig was changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...core.curves import Array
from ..base import compat
from ..fcurves import keys, values
from ..fcurves.targets import BAKED, BEFORE, OTHER, Owner, Strand, owner_of, value_path
from . import standing
from .character import Character, keys_of
from .protection import closed_keys, closed_object, closed_path


def strands_of(character: Character, written: Sequence[Strand], first_frame: int) -> list[Strand]:
    """Strands that put it to rest on the line's frames, or let it go on as the animator had it before the first bake.

    Without them it would go on saying the line beside what is written now.
    """
    if not written:
        return []
    taken = {(strand.owner.block(), strand.path, strand.index) for strand in written}
    frames = range(first_frame, first_frame + len(written[0].values))
    return [
        Strand(owner, *place, OTHER, owner.shown, _values(owner.block(), place, frames))
        for owner in _owners(character)
        for place in _baked(owner.block())
        if (owner.block(), *place) not in taken
    ]


def _owners(character: Character) -> Iterator[Owner]:
    """The character's data-blocks that may be written; a mesh that two objects show counts once."""
    seen: list[Any] = []
    for obj in character.objects:
        if closed_object(obj) is None:
            yield owner_of(obj)
        shapes = keys_of(obj)
        if shapes is not None and shapes not in seen and closed_keys(obj, shapes) is None:
            seen.append(shapes)
            yield Owner("shape_keys", shapes.name, obj.name)


def _baked(block: Any) -> list[keys.Curve]:
    """What a bake moves on a data-block: its properties that are there, and neither driven, locked nor muted."""
    action = _action(block)
    if action is None or BAKED not in action:
        return []
    why = closed_path(block)
    curves = [(curve.data_path, curve.array_index) for curve in compat.curves_of(action, block)]
    muted = {value_path(key.name) for key in getattr(block, "key_blocks", ()) if key.mute}
    noted = keys.notes(action).keys() & {place for place in curves if place[0] not in muted and why(*place) is None}
    there = [place for place in curves if place in noted and values.value_at(block, place) is not None]
    return [place for place in there if standing.stood_at(block, *place) is not None]


def _values(block: Any, place: keys.Curve, frames: Sequence[int]) -> Array:
    before = _action(block).get(BEFORE)
    curves = compat.curves_in(before, block) if before is not None else []
    for curve in curves:
        if (curve.data_path, curve.array_index) == place:
            return np.array([curve.evaluate(frame) for frame in frames], np.float32)
    return np.full(len(frames), standing.stood_at(block, *place), np.float32)


def _action(block: Any) -> Any:
    return block.animation_data.action if block.animation_data else None
