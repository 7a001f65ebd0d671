"""What the table's buttons do: rows from what was recognised, and the left side's rows on the right."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from .. import channels
from .custom import CustomMap, Row
from .detect import Detection

# How names say a side, the surest first: browDown_L, CTRL_L_eye, L.Brow; mouthLipsTogetherUL; ウィンク右; mouthLeft.
SIDES = (
    re.compile(r"(?<![^\W_])[LlRr](?![^\W_])"),
    re.compile(r"(?:(?<=[a-z0-9])|(?<=[a-z_][A-Z]))[LR](?=$|[._])"),
    re.compile(r"[左右]"),
    re.compile(r"left|right|Left|Right|LEFT|RIGHT"),
)
OTHER = dict(zip("LlRr左右", "RrLl右左", strict=True)) | {
    spelt(name): spelt(other)
    for name, other in (("left", "right"), ("right", "left"))
    for spelt in (str.lower, str.title, str.upper)
}
NUMBER = re.compile(r"^[A-Z_]{0,6}\d\d_")  # A27_Jaw_Left and A28_Jaw_Right: exporters that number their keys
TURNS = ("Yaw", "Roll")  # channels that are positive to one side
SIDEWAYS = ".tx"  # a control that moves along the face's width, to the character's left or right
ASIDE = frozenset(
    f"{part}{side}" for part in ("jaw", "mouth", "eyeLookIn", "eyeLookOut") for side in ("Left", "Right")
)  # what moves aside: on one key in the middle, to one side or to the other
LEFTS = frozenset("Ll左") | {"left", "Left", "LEFT"}


def filled(custom: CustomMap, detection: Detection) -> CustomMap:
    """The mapping with a row for all that was recognised and has none yet: neither its channel nor its key.

    A viseme has no rows: it is a whole mouth, found together with the others.
    """
    rig = detection.rig
    if rig is None:
        return custom
    low, high = rig.span
    written = rig.written(detection.found, detection.given)
    rows = [
        Row(channel, key, weight, 0.0, low, high)
        for control in detection.found
        if control not in rig.visemes
        for key in written[control]
        for channel, weight in rig.parts(control).items()
    ]
    own_channels, own_keys = ({getattr(row, name) for row in custom.rows} for name in ("channel", "key"))
    new = [row for row in rows if row.channel not in own_channels and row.key not in own_keys]
    new.sort(key=lambda row: channels.ALL.index(row.channel))
    closes_anew = "mouthClose" not in own_channels and any(row.channel == "mouthClose" for row in new)
    return replace(custom, rows=custom.rows + tuple(new), closure=rig.closure if closes_anew else custom.closure)


def mirrored(custom: CustomMap, available: Collection[str]) -> tuple[CustomMap, tuple[str, ...]]:
    """The mapping whose right side does as its left side does, and the left keys that have no right one on the head."""
    lefts = [row for row in custom.rows if _is_left(row)]
    pairs = {row: _mirrored(row, available) for row in lefts}
    made = {row for row in pairs.values() if row is not None}
    replaced = {row.channel for row in made if other_side(row.channel, channels.ALL) is not None}
    ours = {(row.channel, row.key) for row in made}
    rows: list[Row] = []
    for row in custom.rows:
        if row in pairs:
            other = pairs[row]
            rows += [row] if other is None else [row, other]
        elif row.channel not in replaced and (row.channel, row.key) not in ours:
            rows.append(row)
    alone = tuple(row.key for row, other in pairs.items() if other is None)
    return replace(custom, rows=tuple(dict.fromkeys(rows))), alone


def other_side(name: str, known: Collection[str]) -> str | None:
    """The known name that says the other side; None if this one says no side, or the other is not known."""
    whole = name
    for pattern in SIDES:
        whole = pattern.sub(_swap, whole)
    tries = (whole, *(pattern.sub(_swap, name) for pattern in SIDES))
    if exact := next((other for other in tries if other != name and other in known), None):
        return exact
    bare = NUMBER.sub("", whole)
    alike = [other for other in known if bare != NUMBER.sub("", name) and NUMBER.sub("", other) == bare != other]
    return alike[0] if len(alike) == 1 else None


def _swap(match: re.Match[str]) -> str:
    return OTHER[match.group()]


def _says_left(name: str) -> bool | None:
    """Whether the name says left, by the surest of the ways it says a side; None if it says none."""
    found = (pattern.findall(name) for pattern in SIDES)
    words = next((words for words in found if words), None)
    return None if words is None else words[-1] in LEFTS


def _is_left(row: Row) -> bool:
    """Whether the row is of the left side: by its channel, or for one of the middle by its key."""
    side = _says_left(row.channel)
    return bool(_says_left(row.key) if side is None else side)


def _mirrored(row: Row, available: Collection[str]) -> Row | None:
    channel = other_side(row.channel, channels.ALL) or row.channel
    key = other_side(row.key, available)
    if key is None and channel != row.channel and _says_left(row.key) is None:
        key = row.key  # one key in the middle takes both sides
    if key is None:
        return None
    return _turned(replace(row, channel=channel, key=key), is_middle=key == row.key)


def _turned(row: Row, is_middle: bool) -> Row:
    """The row with its signs for the other side: what went to the left goes to the right."""
    turns = row.channel.endswith(TURNS)
    if turns:
        row = replace(row, gain=-row.gain)
    if row.key.endswith(SIDEWAYS) or (is_middle and (turns or row.channel in ASIDE)):
        row = replace(row, gain=-row.gain, offset=0.0 - row.offset, low=0.0 - row.high, high=0.0 - row.low)
    return row
