"""Which lines an Action holds: from which frame to which, of which take, and where their phrases begin."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
