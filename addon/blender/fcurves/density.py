"""How dense keys are: one a frame, or few Bézier keys within an error that the animator states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
import numpy.typing as npt

from ...core import reduce
from ...core.curves import Array, Curves
from . import keys

STILL = 1e-5  # a control that moves less than this gets a key at each end
LIPS = {"Mouth", "Jaw", "Visemes", "Tongue"}  # groups that open or close the lips
UNIT = 1.0  # the span of a slider; what spans more, such as a bone moved by metres, is measured by its own span

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Density:
    """One key a frame if `error` is None; else how far a reduced curve may depart from that, as a share of its span.

    Rows marked in `keep`, (T,), are keys of everything that moves the lips, which there may depart by `room` at most.
    """

    error: float | None
    keep: Flags
    room: npt.NDArray[np.float64]

    def part(self, rows: slice) -> Density:
        """The same for some of the rows."""
        return Density(self.error, self.keep[rows], self.room[rows])


def density_of(scene: bpy.types.Scene, sampled: Curves) -> Density:
    """What the scene asks for, with the lip closures of the channels' curves, one row a frame."""
    options = scene.facewright_takes  # type: ignore[attr-defined]
    keep, room = reduce.closures(sampled)
    return Density(options.error if options.use_fewer_keys else None, keep, room)


def generated(
    values: Array, groups: Sequence[str], first_frame: int, density: Density, pins: Sequence[Array] | None = None
) -> list[keys.Table]:
    """The keys of each column of (T, C) from `first_frame` on; what stays still is held by its first and its last.

    `groups` are the columns' channel groups; `pins` are frames that are to have a key whatever the density, a column.
    """
    count = len(values)
    marked = [_at(frames, first_frame, count) for frames in pins or [np.zeros(0, np.float32)] * len(groups)]
    moves = np.ptp(values, axis=0) >= STILL
    frames = np.arange(first_frame, first_frame + count, dtype=np.float32)
    curves = iter(_reduced(values, groups, density, marked, moves) if density.error is not None else ())
    tables = []
    for column, held, is_moving in zip(values.T, marked, moves, strict=True):
        if not is_moving:
            held[[0, -1]] = True
            tables.append(keys.dense(frames[held], column[held]))
        elif density.error is None:
            tables.append(keys.dense(frames, column))
        else:
            tables.append(keys.sparse(next(curves), first_frame))
    return tables


def _reduced(
    values: Array, groups: Sequence[str], density: Density, marked: Sequence[Flags], moves: Flags
) -> list[reduce.Bezier]:
    """The columns that move, as Bézier keys."""
    spans = np.ptp(values, axis=0)
    units = np.where(np.abs(values).max(axis=0) <= UNIT, UNIT, spans)
    error = np.tile(density.error * units, (len(values), 1))
    keep = np.stack(marked, axis=1)
    lips = [place for place, group in enumerate(groups) if group in LIPS]
    keep[:, lips] |= density.keep[:, np.newaxis]
    error[:, lips] = np.minimum(error[:, lips], density.room[:, np.newaxis])
    return reduce.reduced(values[:, moves], error[:, moves], keep[:, moves])


def _at(pins: Array, first_frame: int, count: int) -> Flags:
    marked = np.zeros(count, np.bool_)
    rows = np.rint(pins).astype(np.intp) - first_frame
    marked[rows[(rows >= 0) & (rows < count)]] = True
    return marked
