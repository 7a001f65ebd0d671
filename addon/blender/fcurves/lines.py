"""Which lines an Action holds: from which frame to which, of which take, and where their phrases begin.

And how a line comes out of one Action and into another, with the keys on its frames.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base import compat
from . import keys
from .keys import Curve, Table
from .targets import BAKED

OWNERS = "facewright_lines"  # custom property beside BAKED: a line of text for each, the take's id and the line's name
PHRASES = "facewright_phrases"  # custom property: the pose markers that are ours, a name a line
STASHED = "facewright_stashed"  # custom property of a take's Action: the digest of what was last put into it


@dataclass(frozen=True)
class Line:
    """A line in an Action: the take that it belongs to, and its first and last frame."""

    uid: str
    name: str
    first: int
    last: int


def of(action: Any) -> list[Line]:
    """The lines of an Action; none if it was not baked."""
    frames = [int(frame) for frame in action.get(BAKED, ())]
    owners = [text.partition(" ") for text in str(action.get(OWNERS, "")).splitlines()]
    owners += [("", "", "")] * (len(frames) // 2 - len(owners))
    spans = zip(frames[::2], frames[1::2], strict=False)
    return [Line(uid, name, first, last) for (uid, _, name), (first, last) in zip(owners, spans, strict=False)]


def put(action: Any, lines: Sequence[Line]) -> None:
    """Notes these lines and no others."""
    action[BAKED] = [frame for line in lines for frame in (line.first, line.last)]
    action[OWNERS] = "\n".join(f"{line.uid} {' '.join(line.name.split())}" for line in lines)


def add(action: Any, line: Line) -> tuple[int, int]:
    """Notes a line in its Action; the frames that it replaces: its own, and all of any line that it overlaps."""
    noted = of(action)
    over = [other for other in noted if other.uid == line.uid or overlap(other, line)]
    put(action, [*(other for other in noted if other not in over), line])
    return min([line.first, *(other.first for other in over)]), max([line.last, *(other.last for other in over)])


def drop(action: Any, uid: str) -> None:
    """Forgets the line of a take."""
    put(action, [line for line in of(action) if line.uid != uid])


def others_under(action: Any, line: Line) -> set[str]:
    """The names of other lines, not of other takes of this one, that it would take the place of."""
    return {other.name for other in of(action) if overlap(other, line)} - {" ".join(line.name.split())}


def overlap(one: Line, other: Line) -> bool:
    """Whether two lines share a frame."""
    return one.last >= other.first and one.first <= other.last


def digest(line: Line, tables: Mapping[Curve, Table], noted: Mapping[Curve, Table]) -> str:
    """A short text that another one differs from if a line, its keys or what was noted of them differ."""
    told = hashlib.blake2b(repr(line).encode(), digest_size=16)
    for held in (tables, noted):
        for place, table in held.items():
            frames = table["co"][:, 0]
            its = table[(frames > line.first - 0.5) & (frames < line.last + 0.5)]
            told.update(repr((place, len(its))).encode() + its.tobytes())
    return told.hexdigest()


def is_news(action: Any, told: str) -> bool:
    """Whether a digest is not the one that an Action has noted last, which it does now.

    A head of many lines is read once so, and not once more for each of them.
    """
    was = action.get(STASHED)
    action[STASHED] = told
    return bool(was != told)


def mark_phrases(action: Any, name: str, frames: Sequence[int]) -> None:
    """Pose markers where the phrases of a line begin; those of lines that are no longer there go."""
    ours = str(action.get(PHRASES, "")).splitlines()
    markers = action.pose_markers
    held = of(action)
    for marker in [marker for marker in markers if marker.name in ours]:
        owner = next((line for line in held if line.first <= marker.frame <= line.last), None)
        if owner is None or owner.name == " ".join(name.split()):
            ours.remove(marker.name)
            markers.remove(marker)
    for number, frame in enumerate(frames, 1):
        marker = markers.new(f"{name} {number}")
        marker.frame = frame
        ours.append(marker.name)
    action[PHRASES] = "\n".join(ours)


def carry_markers(into: Any, outside: Any, line: Line) -> None:
    """Pose markers beside a line's frames as another Action has them, the animator's too; on those frames they stay."""
    phrases = {*str(into.get(PHRASES, "")).splitlines(), *str(outside.get(PHRASES, "")).splitlines()}
    held, markers = of(into), into.pose_markers
    for marker in [marker for marker in markers if not line.first <= marker.frame <= line.last]:
        markers.remove(marker)
    for marker in outside.pose_markers:
        is_held = marker.name not in phrases or any(other.first <= marker.frame <= other.last for other in held)
        if is_held and not line.first <= marker.frame <= line.last:
            markers.new(marker.name).frame = marker.frame
    into[PHRASES] = "\n".join(marker.name for marker in markers if marker.name in phrases)


def splice(block: Any, into: Any, outside: Any, inside: Any, line: Line) -> None:
    """Makes `into` what `outside` is, but on a line's frames what `inside` is, and not what the line overlaps."""
    around, within = keys.tables(outside, block), keys.tables(inside, block)
    noted_around, noted_within = keys.notes(outside), keys.notes(inside)
    over = [other for other in of(outside) if overlap(other, line) or other.uid == line.uid]
    apart = [other for other in of(outside) if other not in over]
    own = next((other for other in of(inside) if other.uid == line.uid), line)
    cut = (min(other.first for other in (*over, own)), max(other.last for other in (*over, own)))
    none, nothing = np.zeros(0, keys.KEY), np.zeros(0, keys.NOTE)
    tables, noted = {}, {}
    for place in dict.fromkeys([*around, *within]):
        if place in noted_around or place in noted_within:
            tables[place] = keys.swapped(around.get(place, none), within.get(place, none), cut)
            noted[place] = keys.swapped(noted_around.get(place, nothing), noted_within.get(place, nothing), cut)
        else:  # a curve that no bake has written
            tables[place] = around[place] if place in around else within[place]
    keys.put_tables(into, block, tables, like=(outside, inside))
    put(into, sorted([*apart, own], key=lambda each: each.first))
    keys.note(into, noted)


def take_out(block: Any, action: Any, gone: Sequence[Line]) -> None:
    """Takes lines out of an Action, with the keys on their frames; curves that no bake has written stay as they are."""
    if not gone:
        return
    spans, noted = [(line.first, line.last) for line in gone], keys.notes(action)
    held = {place: table for place, table in keys.tables(action, block).items() if place in noted}
    keys.put_tables(action, block, {place: _outside(table, spans) for place, table in held.items()})
    put(action, [line for line in of(action) if line not in gone])
    keys.note(action, {place: _outside(note, spans) for place, note in noted.items()})


def _outside(table: Table, spans: Sequence[tuple[int, int]]) -> Table:
    """Keys, or what was noted of them, but for those between any of these pairs of frames."""
    frames = table["co"][:, 0]
    within = [(frames > first - 0.5) & (frames < last + 0.5) for first, last in spans]
    return np.asarray(table[~np.any(within, axis=0)])


def rename_curves(block: Any, action: Any, renamed: Mapping[Curve, Curve]) -> None:
    """Names an Action's curves, and what was noted of them, as Blender has renamed those of another."""
    noted = keys.notes(action)
    curves = {(curve.data_path, curve.array_index): curve for curve in compat.curves_in(action, block)}
    moved = {old: new for old, new in renamed.items() if old in curves and new not in curves}
    for old, (path, _) in moved.items():
        curves[old].data_path = path
    keys.note(action, {moved.get(place, place): note for place, note in noted.items()})
