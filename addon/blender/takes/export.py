"""A head's own keys back to channels: whatever moves it now, an animator's edits too, as curves for a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from ...core import capture, channels
from ...core.curves import Array, Curves
from ...core.errors import RigError, quoted
from ...core.rigs.inverse import channels_of, contrary, parted
from ..base import compat, sound
from ..fcurves.targets import VISEMES, Owner, Strand
from ..head import rig

Matrix = npt.NDArray[np.float64]
Place = tuple[Owner, str, int]  # one number that is keyed: of what, where, and which of several

PROBE = 0.25  # of a channel: far enough to be measured, not so far that a control is cut off
SEEN = 1e-4  # a channel that moves nothing further cannot be read back
ALIKE = 1 - 1e-6  # cosine of what two channels do, from which on nothing tells them apart
ROUNDS = 6  # of correction; bones and shares of the jaw are not quite linear
EXACT = 1e-4
TOLD_FROM = 0.02  # a remainder that one might see


@dataclass(frozen=True)
class ReadBack:
    """A head's motion as channels, one row a frame, and what the user should know."""

    curves: Curves
    first_frame: int
    notes: tuple[str, ...]


def read_back(scene: bpy.types.Scene, head: bpy.types.Object | None, first: int, last: int) -> ReadBack:
    """The channels that set the head's keys and bones as they are set on these frames."""
    if last < first:
        raise RigError(f"the last frame ({last}) lies before the first ({first}); turn them round")
    found = rig.examine(scene, head)
    strands = found.strands(_rows(np.zeros((1, len(channels.ALL)))))
    values = _on_frames(scene, strands, np.arange(first, last + 1))
    if not any(np.ptp(column) > SEEN for column in values.T):
        name = quoted(found.root)
        raise RigError(
            f"nothing moves on {name} between frames {first} and {last}; bake a line, or choose other frames"
        )
    curves, off = _solved(found, strands, values, sound.fps(scene))
    notes: tuple[str, ...] = ()
    if off >= TOLD_FROM:
        notes += (f"some keys cannot be told by channels; the face is off by up to {off:.2f} there",)
    if any(strand.group == VISEMES for strand in strands):
        notes += ("visemes were read as the mix of their poses",)
    return ReadBack(capture.with_both_gazes(curves), first, notes)


def _rows(values: Matrix, rate: float = 1.0) -> Curves:
    return Curves(values.astype(np.float32), channels.ALL, rate)


def _on_frames(scene: bpy.types.Scene, strands: Sequence[Strand], frames: npt.NDArray[np.int64]) -> Array:
    """What each strand's property is on each frame, (T, S): from its curve, or by playing where an NLA has a say."""
    blocks = {owner: owner.block() for owner in dict.fromkeys(strand.owner for strand in strands)}
    if any(_has_nla(block) for block in blocks.values()):
        return _played(scene, strands, blocks, frames)
    curves = {owner: _curves_by_place(block) for owner, block in blocks.items()}
    values = np.empty((len(frames), len(strands)), np.float32)
    for column, strand in enumerate(strands):
        curve = curves[strand.owner].get((strand.path, strand.index))
        if curve is None or curve.mute:
            values[:, column] = _value(blocks[strand.owner], strand)
        else:
            values[:, column] = [curve.evaluate(frame) for frame in frames.tolist()]
    return values


def _has_nla(block: Any) -> bool:
    animation = block.animation_data
    return bool(animation and animation.use_nla and any(not track.mute for track in animation.nla_tracks))


def _curves_by_place(block: Any) -> dict[tuple[str, int], Any]:
    action = block.animation_data.action if block.animation_data else None
    return {
        (curve.data_path, curve.array_index): curve for curve in (compat.curves_of(action, block) if action else ())
    }


def _value(block: Any, strand: Strand) -> float:
    value = block.path_resolve(strand.path)
    return float(value[strand.index] if hasattr(value, "__len__") else value)


def _played(
    scene: bpy.types.Scene, strands: Sequence[Strand], blocks: dict[Owner, Any], frames: npt.NDArray[np.int64]
) -> Array:
    before = scene.frame_current, scene.frame_subframe
    values = np.empty((len(frames), len(strands)), np.float32)
    try:
        for row, frame in enumerate(frames.tolist()):
            scene.frame_set(frame)
            values[row] = [_value(blocks[strand.owner], strand) for strand in strands]
    finally:
        scene.frame_set(before[0], subframe=before[1])
    return values


def _solved(found: rig.Head, strands: Sequence[Strand], values: Array, rate: float) -> tuple[Curves, float]:
    """Channels whose strands are nearest to these values, (T, S), and by how much they miss at worst."""
    shown = np.array([strand.group != VISEMES for strand in strands])
    response = _response(found, shown)
    told = [index for index in range(len(channels.ALL)) if np.abs(response[:, index]).max(initial=0) > SEEN]
    told = [index for index in told if not _is_double(response, index, told)]
    solve = np.linalg.pinv(response[:, told])  # (C, S)
    best = _guess(found, strands, values)
    miss = values[:, shown] - _strands(found, best, shown)
    for _ in range(ROUNDS if len(told) else 0):
        if np.abs(miss).max(initial=0) <= EXACT:
            break
        tried = best.copy()
        tried[:, told] += miss @ solve.T
        still = values[:, shown] - _strands(found, tried, shown)
        better = np.abs(still).max(axis=1) < np.abs(miss).max(axis=1)  # frame by frame
        best[better], miss[better] = tried[better], still[better]
        if not better.any():
            break
    for one, other in _contrary(response, told):
        parted(best, one, other)
        told.append(other)
    spoken = [name for name in _visemes_show(found) if name not in [channels.ALL[index] for index in told]]
    names = [name for name in channels.ALL if name in spoken or channels.ALL.index(name) in told]
    curves = _rows(best, rate).select([name for name in channels.ALL if name in names])
    return curves, float(np.abs(miss).max(initial=0))


def _response(found: rig.Head, shown: npt.NDArray[np.bool_]) -> Matrix:
    """What a unit of each channel does to the strands, (S, C); lips close over an open jaw."""
    jaw, close = channels.ALL.index("jawOpen"), channels.ALL.index("mouthClose")
    probes = np.concatenate([np.zeros((1, len(channels.ALL))), PROBE * np.eye(len(channels.ALL))])
    probes[1 + close, jaw] = PROBE
    seen = _strands(found, probes, shown)
    response: Matrix = (seen[1:] - seen[0]).T / PROBE
    response[:, close] -= response[:, jaw]
    return response


def _contrary(response: Matrix, told: Sequence[int]) -> list[tuple[int, int]]:
    """Channels that are told, with those left out that do the contrary; angles are told with their sign."""
    shapes = {channels.ALL.index(name) for name in channels.ARKIT}
    return [(i, k) for i, k in contrary(response, SEEN) if {i, k} <= shapes and i in told and k not in told]


def _is_double(response: Matrix, index: int, told: Sequence[int]) -> bool:
    """Whether an earlier channel does the same, or the contrary; two sides that share a key both count."""
    column = response[:, index]
    for other in told[: told.index(index)]:
        length = np.linalg.norm(column) * np.linalg.norm(response[:, other])
        is_alike = abs(column @ response[:, other]) > ALIKE * length
        if is_alike and channels.ALL[other].replace("Left", "Right") != channels.ALL[index]:
            return True
    return False


def _guess(found: rig.Head, strands: Sequence[Strand], values: Array) -> Matrix:
    """What the convention by itself says: exact for keys, and the only way back from visemes."""
    guess = np.zeros((len(values), len(channels.ALL)))
    if found.detection.rig is None or not found.parts:
        return guess
    names = {strand.name: column for column, strand in enumerate(strands) if strand.name in found.controls}
    at_rest = _strands(found, np.zeros((1, len(channels.ALL))), np.ones(len(strands), np.bool_))
    keys = Curves((values - at_rest)[:, list(names.values())].astype(np.float32), tuple(names), 1.0)
    return channels_of(found.detection.rig, keys).select(channels.ALL).values.astype(np.float64)


def _visemes_show(found: rig.Head) -> set[str]:
    convention = found.detection.rig
    spoken = [control for control in found.detection.found if convention and control in convention.visemes]
    return {channel for control in spoken for channel in convention.visemes[control]} - {"mouthClose"}


def _strands(found: rig.Head, rows: Matrix, shown: npt.NDArray[np.bool_]) -> Matrix:
    columns = [strand.values for strand in found.strands(_rows(rows))]
    return np.stack(columns, axis=1).astype(np.float64)[:, shown]
