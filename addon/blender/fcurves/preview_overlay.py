"""Values shown on a head without keying them: laid over what is there on every frame, and lifted off without a trace.

Actions are never touched. What the properties hold without us is kept beside them, in a custom property of their
data-block, so that an undo step or an autosave from the middle of a preview can be healed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import bpy

from .targets import Owner, Strand
from .values import Place, put_value, value_at

MARK = "facewright_preview"  # custom property of a data-block: what its properties hold, [[path, index, value], ...]
MARKED = ("shape_keys", "objects")  # the kinds of data-blocks that can bear it


class Overlay:
    """What is shown on one head: strands of one line from a frame on, and what lies below them."""

    def __init__(self, strands: Sequence[Strand], first_frame: int) -> None:
        self.first_frame = first_frame
        self.strands = tuple(strands)
        self._below: dict[Owner, dict[Place, float]] = {}
        self._shown: dict[Owner, dict[Place, float]] = {}  # as the properties gave it back
        self._names: dict[Owner, list[str]] = {}

    def lay(self, frame: int) -> None:
        """Shows the row of a frame over what is there now; outside the line nothing is shown."""
        grouped: dict[Owner, list[Strand]] = {}
        for strand in self.strands:
            grouped.setdefault(strand.owner, []).append(strand)
        row = frame - self.first_frame
        for owner, strands in grouped.items():
            block = _block(owner)
            if block is None or not 0 <= row < len(strands[0].values):
                continue  # deleted meanwhile, or silent
            places = {(strand.path, strand.index): float(strand.values[row]) for strand in strands}
            below = {place: value for place in places if (value := value_at(block, place)) is not None}
            block[MARK] = json.dumps([[*place, value] for place, value in below.items()])
            self._below[owner], self._names[owner] = below, _names(block)
            self._shown[owner] = {place: put_value(block, place, places[place]) for place in below}

    def lift(self) -> None:
        """Puts back what lay below; a value that somebody has moved since is theirs, and stays."""
        for owner, shown in self._shown.items():
            block = _block(owner)
            if block is None:
                continue
            renamed = _renamed(self._names[owner], _names(block))
            for place, value in shown.items():
                now = _now(place, renamed)
                if value_at(block, now) == value:
                    put_value(block, now, self._below[owner][place])
            block.pop(MARK, None)
        self.forget()

    def forget(self) -> None:
        """Nothing is shown any more: an undo step or another file has replaced what there was."""
        self._below, self._shown, self._names = {}, {}, {}


def heal() -> int:
    """Lifts off what a preview has left in an undo step or an autosave; how many data-blocks bore it."""
    healed = 0
    for kind in MARKED:
        for block in getattr(bpy.data, kind):
            if block.library is None and MARK in block:
                for place, value in _marked(block).items():
                    if value_at(block, place) is not None:
                        put_value(block, place, value)
                block.pop(MARK)
                healed += 1
    return healed


def _marked(block: Any) -> dict[Place, float]:
    """What a mark says; one that somebody has edited says nothing."""
    try:
        return {(str(path), int(index)): float(value) for path, index, value in json.loads(block[MARK])}
    except (TypeError, ValueError):
        return {}


def _names(block: Any) -> list[str]:
    """The keys, or the bones, of a data-block, in an order that renaming keeps."""
    rows = block.key_blocks if isinstance(block, bpy.types.Key) else block.pose.bones if block.pose else ()
    return [row.name for row in rows]


def _renamed(before: Sequence[str], now: Sequence[str]) -> dict[str, str]:
    """Old name → new, of those that were renamed; none where some came or went."""
    if before == now or len(before) != len(now):
        return {}
    return {old: new for old, new in zip(before, now, strict=True) if old != new and old not in now}


def _now(place: Place, renamed: Mapping[str, str]) -> Place:
    """Where a property is since the key or bone that bears it was renamed."""
    path, index = place
    for old, new in renamed.items():
        start, name, end = path.partition(f'["{bpy.utils.escape_identifier(old)}"]')
        if name and start in {"key_blocks", "pose.bones"}:
            return f'{start}["{bpy.utils.escape_identifier(new)}"]{end}', index
    return place


def _block(owner: Owner) -> Any:
    """The data-block, or None if it is gone."""
    return getattr(bpy.data, owner.collection).get((owner.name, None))
