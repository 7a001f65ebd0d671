"""Curves become keys: a new Action for each of the head's data-blocks, and the sound beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core import curves as core_curves
from ..core import pipeline
from ..core.curves import Array, Curves
from ..core.direction import UNDIRECTED, Direction
from ..core.settings import Settings
from . import compat, hearing, rig, sound
from .targets import Strand

LINEAR = 1  # Keyframe.interpolation as foreach_set takes it
DEFAULTS = Settings()
STILL = 1e-5  # a control that moves less than this gets a key at each end of the line
TAKES = "facewright_takes"  # custom property of a baked Action: first and last frame of each line in it


@dataclass(frozen=True)
class Report:
    """What a bake has written, and what the animator should know about it."""

    line: str
    first_frame: int
    frames: int
    meshes: int
    controls: int
    notes: tuple[str, ...]

    def __str__(self) -> str:
        meshes = f"{self.meshes} {'mesh' if self.meshes == 1 else 'meshes'}"
        where = f"{self.line} is at frame {self.first_frame}"
        return f"Baked {self.frames} frames of {self.controls} keys on {meshes}; {where}"


@dataclass(frozen=True)
class Performance:
    """What was heard in a line: curves at the model's own rate, and notes for the user."""

    line: sound.Line
    curves: Curves
    notes: tuple[str, ...]


def animate_scene(
    scene: bpy.types.Scene,
    head: bpy.types.Object | None,
    line: sound.Line,
    settings: Settings = DEFAULTS,
    fit: bool = True,
) -> Report:
    """The whole bake at once, without a window; the operator does the same with `perform` in a thread."""
    rig.examine(scene, head)  # refused before the work
    return write(scene, head, perform(line, settings), fit)


def perform(
    line: sound.Line,
    settings: Settings,
    progress: pipeline.Progress | None = None,
    direction: Direction = UNDIRECTED,
) -> Performance:
    """Listens to the line; slow, and never touches bpy, so a thread may run it."""
    heard = hearing.listen(line, settings.model, progress)
    return Performance(line, pipeline.perform(heard, settings, direction), heard.notes)


def write(scene: bpy.types.Scene, head: bpy.types.Object | None, performance: Performance, fit: bool = True) -> Report:
    """Writes a performance onto the head and puts its sound in the sequencer; `fit` makes the scene long enough."""
    found = rig.examine(scene, head)
    line = performance.line
    sampled = core_curves.resample(performance.curves, sound.fps(scene))
    strands = found.strands(sampled)
    notes = [*performance.notes, *found.notes]
    if note := sound.place(scene, line):  # first, because it may be refused: the file may be gone by now
        notes.append(note)
    kept = []
    for owner in dict.fromkeys(strand.owner for strand in strands):
        block = owner.block()
        kept.append(new_action(block, f"Facewright {line.name} {owner.shown}"))
        write_strands(block, [strand for strand in strands if strand.owner == owner], line.frame)
    kept = list(dict.fromkeys(name for name in kept if name))  # meshes may share an Action
    if kept:
        notes.append(f"the keys that were there are kept in {', '.join(kept)}")
    if fit:
        _fit(scene, line.frame + len(sampled.values) - 1)
    frames = len(sampled.values)
    return Report(line.name, line.frame, frames, len(found.parts), len(found.controls), tuple(notes))


def write_strands(block: Any, strands: Sequence[Strand], first_frame: int) -> None:
    """One key a frame for each strand of `block`, in place of the lines that were baked on any of these frames.

    What stays still is held by its first and last key, so that other lines on the curve do not drag it.
    """
    action = block.animation_data.action
    existing = {(curve.data_path, curve.array_index): curve for curve in compat.curves_of(action, block)}
    count = len(strands[0].values)
    frames = np.arange(first_frame, first_frame + count, dtype=np.float32)
    replaced = _add_take(action, first_frame, first_frame + count - 1)
    for strand in strands:
        curve = existing.get((strand.path, strand.index)) or compat.new_curve(
            action, block, strand.path, strand.index, strand.group
        )
        step = max(1, count - 1) if np.ptp(strand.values) < STILL else 1
        write_curve(curve, frames[::step], strand.values[::step], replaced)
    block.update_tag()


def write_curve(curve: bpy.types.FCurve, frames: Array, values: Array, replaced: tuple[int, int]) -> None:
    """Linear keys at `frames`, (T,), in place of those that the curve has between two frames."""
    points = curve.keyframe_points
    kept = _clear(points, replaced[0] - 0.5, replaced[1] + 0.5)
    points.add(len(frames))
    where = np.empty((kept + len(frames), 2), np.float32)
    shape = np.empty(kept + len(frames), np.int32)
    points.foreach_get("co", where.ravel())
    points.foreach_get("interpolation", shape)
    where[kept:, 0], where[kept:, 1], shape[kept:] = frames, values, LINEAR
    points.foreach_set("co", where.ravel())
    points.foreach_set("interpolation", shape)
    if kept:
        points.sort()
    curve.update()


def _clear(points: bpy.types.FCurveKeyframePoints, first: float, last: float) -> int:
    """Removes the keys between two frames; how many are left."""
    where = np.empty(2 * len(points), np.float32)
    points.foreach_get("co", where)
    inside = np.flatnonzero((where[::2] > first) & (where[::2] < last))
    if len(inside) == len(points):
        points.clear()
    else:
        for index in inside[::-1]:
            points.remove(points[index], fast=True)
    return len(points)


def _add_take(action: bpy.types.Action, first: int, last: int) -> tuple[int, int]:
    """Notes a line in its Action; the frames it replaces: its own, and all of any line that it overlaps."""
    noted = list(action.get(TAKES, ()))
    takes = list(zip(noted[::2], noted[1::2], strict=True))
    apart = [take for take in takes if take[1] < first or take[0] > last]
    action[TAKES] = [frame for take in [*apart, (first, last)] for frame in take]
    overlapped = [take for take in takes if take not in apart]
    return min([first, *(take[0] for take in overlapped)]), max([last, *(take[1] for take in overlapped)])


def new_action(block: Any, name: str) -> str | None:
    """Gives `block` an Action of its own that starts as a copy of the one it had; the name of the animator's, if any.

    The copy keeps what the bake does not write: other curves, locked curves, lines that were baked elsewhere.
    """
    old = block.animation_data.action if block.animation_data else None
    if old is None:
        action = bpy.data.actions.new(name)
    else:
        action = old.copy()
        action.name = name
        old.use_fake_user = True
    compat.assign(block, action)
    is_theirs = old is not None and old.get(TAKES) is None
    return str(old.name) if is_theirs else None


def _fit(scene: bpy.types.Scene, last_frame: int) -> None:
    """Makes the scene long enough, and playback keep to the sound."""
    scene.frame_end = max(scene.frame_end, math.ceil(last_frame))
    scene.sync_mode = "AUDIO_SYNC"
    scene.use_audio_scrub = True
