"""Keys of F-curves as tables: which were generated and which are the animator's, and how new ones join them.

What was generated is noted in the Action itself, curve by curve. A key counts as generated while it stands where it was
put, shaped as it was made, and is of Blender's type Generated; whatever was added, moved, reshaped or given another
type is the animator's.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.curves import Array
from ...core.reduce import Bezier
from ..base import compat

Table = npt.NDArray[np.void]
Flags = npt.NDArray[np.bool_]
Curve = tuple[str, int]  # data path and array index

# Blender's numbers, as foreach_set takes them
LINEAR, BEZIER = 1, 2  # Keyframe.interpolation
KEYFRAME, GENERATED = 0, 5  # Keyframe.type
FREE, ALIGNED, AUTO_CLAMPED = 0, 3, 4  # Keyframe.handle_left_type

KEY = np.dtype(
    [
        ("co", np.float32, 2), ("handle_left", np.float32, 2), ("handle_right", np.float32, 2),
        ("amplitude", np.float32), ("back", np.float32), ("period", np.float32),
        ("interpolation", np.int32), ("easing", np.int32), ("type", np.int32),
        ("handle_left_type", np.int32), ("handle_right_type", np.int32),
        ("select_control_point", np.bool_), ("select_left_handle", np.bool_), ("select_right_handle", np.bool_),
    ]
)  # fmt: skip
NOTE = np.dtype([("co", "<f4", 2), ("handle_left", "<f4", 2), ("handle_right", "<f4", 2), ("interpolation", "u1")])
NOTES = "facewright_keys"  # custom property of an Action: what was generated in it
NEAR = 1e-3  # frames: keys this close stand on one frame
SAME = 1e-5  # of a value: Blender's handles are computed anew whenever a curve is touched
EASING, AMPLITUDE, BACK, PERIOD = 0, 0.8, 1.70158, 4.1  # Blender's own for a new key


def read(curve: Any) -> Table:
    """A curve's keys, (K,)."""
    points = curve.keyframe_points
    table = np.zeros(len(points), KEY)
    for name in KEY.names:
        part = np.zeros(table[name].shape, KEY[name].base)
        points.foreach_get(name, part.ravel())
        table[name] = part
    return table


def write(curve: Any, table: Table) -> None:
    """Gives a curve these keys and no others; they need not be in order."""
    ordered = table[np.argsort(table["co"][:, 0], kind="stable")]
    points = curve.keyframe_points
    points.clear()
    points.add(len(ordered))
    for name in KEY.names:
        points.foreach_set(name, np.ascontiguousarray(ordered[name]).ravel())
    curve.update()


def dense(frames: Array, values: Array) -> Table:
    """A generated key on each frame, straight lines between."""
    table = _generated(len(frames))
    table["co"][:, 0], table["co"][:, 1] = frames, values
    table["interpolation"] = LINEAR
    table["handle_left_type"] = table["handle_right_type"] = AUTO_CLAMPED
    table["handle_left"], table["handle_right"] = table["co"] - (1 / 3, 0), table["co"] + (1 / 3, 0)
    return table


def sparse(curve: Bezier, first_frame: float) -> Table:
    """Generated Bézier keys; handles are aligned unless a straight line ends there."""
    table = _generated(len(curve.rows))
    left, right = curve.handles()
    shift = np.array((first_frame, 0.0))
    table["co"] = np.stack([curve.rows, curve.values], axis=1) + shift
    table["handle_left"], table["handle_right"] = left + shift, right + shift
    table["interpolation"] = np.where(curve.straight, LINEAR, BEZIER)
    is_smooth = curve.before == curve.after
    table["handle_left_type"] = table["handle_right_type"] = np.where(is_smooth, ALIGNED, FREE)
    return table


def _generated(count: int) -> Table:
    table = np.zeros(count, KEY)
    table["type"], table["easing"] = GENERATED, EASING
    table["amplitude"], table["back"], table["period"] = AMPLITUDE, BACK, PERIOD
    return table


def noted(table: Table) -> Table:
    """What is to be remembered of generated keys; handles count only where a curve bends."""
    note = np.zeros(len(table), NOTE)
    for name in NOTE.names:
        note[name] = table[name]
    bends = table["interpolation"] == BEZIER
    note["handle_right"][~bends] = np.nan
    note["handle_left"][~np.concatenate([[False], bends])[: len(bends)]] = np.nan
    return note


def theirs(table: Table, note: Table | None) -> Flags:
    """Which keys of a curve, (K,), are the animator's."""
    mine = np.ones(len(table), np.bool_)
    if note is None or not len(note) or not len(table):
        return mine
    frames = note["co"][:, 0]
    place = np.searchsorted(frames, table["co"][:, 0] - NEAR)
    place = np.minimum(place, len(note) - 1)
    meant = note[place]
    mine = (table["type"] != GENERATED) | (table["interpolation"] != meant["interpolation"])
    mine |= np.abs(table["co"][:, 0] - meant["co"][:, 0]) >= NEAR
    mine |= _differs(table, meant, "co")
    edge = np.zeros(1, np.bool_)
    reshaped = _differs(table, meant, "handle_left") & ~np.concatenate([edge, mine[:-1]])
    reshaped |= _differs(table, meant, "handle_right") & ~np.concatenate([mine[1:], edge])
    return np.asarray(mine | reshaped)  # towards a key that was put in, Blender itself reshapes those beside it


def _differs(table: Table, meant: Table, name: str) -> Flags:
    near = np.abs(table[name] - meant[name]) <= SAME * (1 + np.abs(meant[name]))
    return np.asarray(~(near | np.isnan(meant[name])).all(axis=1))


def joined(
    old: Table, mine: Flags, new: Table, span: tuple[float, float], line: tuple[float, float]
) -> tuple[Table, Flags]:
    """The keys of a curve after generated ones in `span` have made way for new ones, and which of them are new.

    The animator's all stay. Within `line`, the frames that the old keys were made for, nothing is put between a key of
    the animator's and the keys next to it: what was cleared around it stays clear.
    """
    frames = old["co"][:, 0]
    goes = ~mine & (frames > span[0] - 0.5) & (frames < span[1] + 0.5)
    within = (frames > line[0] - 0.5) & (frames < line[1] + 0.5)
    at = new["co"][:, 0]
    free = ~_between(at, frames[within], mine[within]) & ~_on(at, frames[mine & ~within])
    table = np.concatenate([old[~goes], new[free]])
    is_new = np.arange(len(table)) >= len(table) - np.count_nonzero(free)
    order = np.argsort(table["co"][:, 0], kind="stable")
    return _met(old, table[order], is_new[order]), is_new[order]


def _met(old: Table, table: Table, is_new: Flags) -> Table:
    """The keys with those that are new shaped, towards keys that are not, as the old ones in their place were."""
    met = table.copy()
    frames = old["co"][:, 0]
    stays = np.concatenate([~is_new, [False]])
    for place in np.flatnonzero(is_new & (stays[1:] | np.concatenate([[False], stays[:-2]]))):
        key = met[place : place + 1]
        at = int(np.searchsorted(frames, key["co"][0, 0] + NEAR)) - 1  # the old key here or before
        if at < 0:
            continue
        is_here = abs(frames[at] - key["co"][0, 0]) < NEAR
        if stays[place + 1]:
            key["interpolation"] = old["interpolation"][at]
        sides = [side for side, beside in (("right", place + 1), ("left", place - 1)) if beside >= 0 and stays[beside]]
        for side in sides if is_here else ():
            key[f"handle_{side}"] = old[f"handle_{side}"][at] - old["co"][at] + key["co"]
            key["handle_left_type"] = key["handle_right_type"] = FREE
    return met


def without_clashes(table: Table, is_new: Flags) -> Table:
    """The keys without new ones on frames where the animator has one."""
    held = np.sort(table["co"][~is_new, 0])
    return np.asarray(table[~(is_new & _on(table["co"][:, 0], held))])


def borders(old: Table, mine: Flags) -> Array:
    """Frames of generated keys that stand next to the animator's: there the new curve is to have keys too."""
    beside = np.zeros(len(mine), np.bool_)
    beside[1:] |= mine[:-1]
    beside[:-1] |= mine[1:]
    found: Array = old["co"][beside & ~mine, 0]
    return found


def _on(at: Array, frames: Array) -> Flags:
    """Which of `at` stand on one of the frames, which are in order."""
    if not len(frames):
        return np.zeros(len(at), np.bool_)
    place = np.minimum(np.searchsorted(frames, at - NEAR), len(frames) - 1)
    return np.asarray(np.abs(frames[place] - at) < NEAR)


def _between(at: Array, frames: Array, mine: Flags) -> Flags:
    """Which of `at` stand on a key of the animator's, or between one and the key next to it."""
    if not len(frames):
        return np.zeros(len(at), np.bool_)
    after = np.searchsorted(frames, at - NEAR)  # the first key that is not before
    here = np.minimum(after, len(frames) - 1)
    on = (after < len(frames)) & (np.abs(frames[here] - at) < NEAR)
    inside = (after > 0) & (after < len(frames)) & ~on
    return np.asarray(np.where(on, mine[here], inside & (mine[np.maximum(after - 1, 0)] | mine[here])))


def notes(action: Any) -> dict[Curve, Table]:
    """What was generated in an Action, by the curve's name of today; nothing where no note is there, or can be read."""
    renamed = renames(action)
    return {renamed.get(place, place): note for place, note in _unpacked(action).items()}


def renames(action: Any) -> dict[Curve, Curve]:
    """Curve as it was noted → the same as Blender has named it since, with its shape key; of twins in their order."""
    noted = _unpacked(action)
    curves = {(curve.data_path, curve.array_index): curve for curve in compat.every_curve(action)}
    lost = {place: note for place, note in noted.items() if place not in curves}
    found: dict[Curve, Curve] = {}
    for place in [place for place in curves if place not in noted] if lost else ():
        table = read(curves[place])
        alike = {other: np.count_nonzero(~theirs(table, note)) for other, note in lost.items()}
        if alike and max(alike.values()):
            renamed = max(alike, key=lambda other: alike[other])
            found[renamed] = place
            del lost[renamed]
    return found


def _unpacked(action: Any) -> dict[Curve, Table]:
    data = action.get(NOTES)
    if not isinstance(data, bytes):
        return {}
    try:
        raw = zlib.decompress(data)
        length = int.from_bytes(raw[:4], "little")
        index = json.loads(raw[4 : 4 + length])
        table = np.frombuffer(raw[4 + length :], NOTE)
        counts = np.cumsum([0, *(count for _, _, count in index)])
        return {
            (path, number): table[start:end]
            for (path, number, _), start, end in zip(index, counts, counts[1:], strict=False)
        }
    except (zlib.error, ValueError, TypeError):
        return {}


def note(action: Any, notes: Mapping[Curve, Table]) -> None:
    """Remembers in an Action what was generated in it."""
    index = json.dumps([[path, number, len(table)] for (path, number), table in notes.items()]).encode()
    tables = b"".join(table.tobytes() for table in notes.values())
    compat.put_bytes(action, NOTES, zlib.compress(len(index).to_bytes(4, "little") + index + tables, 1))


def renoted(before: Table | None, table: Table, span: tuple[float, float], made: Array) -> Table:
    """What is to be remembered of a curve whose keys in `span` were replaced by those at the frames `made`.

    `table` are its keys as Blender holds them now; what was noted outside the span stays noted.
    """
    frames = table["co"][:, 0]
    is_made = _on(frames, made) & (table["type"] == GENERATED)
    new = np.asarray(noted(table)[is_made])
    if before is None:
        return new
    at = before["co"][:, 0]
    kept = before[(at <= span[0] - 0.5) | (at >= span[1] + 0.5)]
    whole = np.concatenate([kept, new])
    return np.asarray(whole[np.argsort(whole["co"][:, 0], kind="stable")])


def swapped(outer: Table, inner: Table, span: tuple[float, float]) -> Table:
    """Keys, or what was noted of them: those of `inner` between two frames, those of `outer` elsewhere."""
    out, inside = outer["co"][:, 0], inner["co"][:, 0]
    parts = [outer[(out <= span[0] - 0.5) | (out >= span[1] + 0.5)]]
    parts.append(inner[(inside > span[0] - 0.5) & (inside < span[1] + 0.5)])
    whole = np.concatenate(parts)
    return np.asarray(whole[np.argsort(whole["co"][:, 0], kind="stable")])


def tables(action: Any, block: Any) -> dict[Curve, Table]:
    """The keys of every curve that an Action has for a data-block."""
    return {(curve.data_path, curve.array_index): read(curve) for curve in compat.curves_in(action, block)}


def put_tables(action: Any, block: Any, tables: Mapping[Curve, Table], like: tuple[Any, ...] = ()) -> None:
    """Gives an Action's curves these keys; curves that it lacks are made as those of the Actions in `like`."""
    existing = {(curve.data_path, curve.array_index): curve for curve in compat.curves_in(action, block)}
    models = {(c.data_path, c.array_index): c for other in reversed(like) for c in compat.curves_in(other, block)}
    for place, table in tables.items():
        curve = existing.get(place)
        if curve is None and len(table):
            curve = compat.curve_like(action, block, models[place])
        if curve is not None and not _is_same(read(curve), table):
            write(curve, table)


def _is_same(one: Table, other: Table) -> bool:
    return len(one) == len(other) and all(np.array_equal(one[name], other[name]) for name in KEY.names)
