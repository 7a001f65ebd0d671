"""Rows where the camera caught them become even rows; what it dropped is bridged, what it saw stays as it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..curves import Array, Curves, Rows, resample
from .timecode import NEAR, NTSC, Times

WHOLE_STEP = 0.15  # of a frame: rows that lie no further off are caught at this rate
EXACT = 3e-3  # of a frame: steps that differ by no more were written, thousandths of a frame each, not caught
ODD = 5e-3  # such steps that are so far from whole frames are those of a rate that no timecode counts, such as 12.5
ENOUGH = 5  # of them, to be no chance
REGULAR_SHARE = 0.97  # of the steps, so that a stumble does not have all rows moved
SLOWEST, FASTEST = 0.1, 10_000.0  # rows a second: no animation lies beyond, but times in another unit do
NEAR_RATE = 0.02  # a measured rate this near to a usual one is meant to be that
FINE = 4  # rows at uneven times go through a grid this much finer
USUAL = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 72.0, 90.0, 100.0, 120.0, 240.0)
CLOCKED = tuple(sorted((*USUAL, 24 * NTSC, 30 * NTSC, 48 * NTSC, 60 * NTSC)))  # seconds can tell these apart


@dataclass(frozen=True)
class Even:
    """Even rows, and how many of them no row of the file stands for."""

    curves: Curves
    bridged: int


def rate_of(times: Times, counted: float) -> float:
    """Rows a second of a take whose timecode counts so many frames a second; 0: its times are plain seconds."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    if not len(steps):
        return counted or USUAL[2]
    step_s = float(np.quantile(steps, 0.5, method="lower"))  # one of them, also where there are but two
    near = steps[np.abs(steps - step_s) < 0.5 * step_s]
    if not counted:
        return _usual(1 / float(near.mean()), CLOCKED)
    frames, mean = step_s * counted, float(near.mean()) * counted
    is_written = len(near) >= ENOUGH and float(np.ptp(near)) * counted <= EXACT
    if is_written and not math.isclose(mean, round(mean), rel_tol=ODD):
        return _usual(counted / mean, USUAL, NEAR)  # 24.5, say, is 24.5: written steps are exact
    if round(frames) and abs(frames - round(frames)) <= WHOLE_STEP:
        return counted / round(frames)
    return _usual(counted / frames, USUAL)


def _usual(rate: float, known: tuple[float, ...], near: float = NEAR_RATE) -> float:
    nearest = min(known, key=lambda usual: abs(usual - rate))
    return nearest if abs(nearest - rate) <= near * nearest else round(rate, 3)


def evened(times: Times, values: Array, names: tuple[str, ...], rate: float) -> Even:
    """Rows at rising times, (N,) and (N, C), as even rows at this rate from the first one on.

    Rows that were caught at this rate keep their values to the bit and move by half a row at most; between them what
    is missing is interpolated. Rows at uneven times are interpolated, and a lip closure among them keeps its depth.
    """
    at = (times - times[0]) * rate
    steps = np.diff(at)
    is_regular = (np.abs(steps - np.rint(steps)) <= WHOLE_STEP).mean() >= REGULAR_SHARE if len(steps) else True
    order = np.arange(len(at))
    rows = (np.maximum.accumulate(np.rint(at).astype(np.intp) - order) + order).astype(np.intp)  # no two on one
    if is_regular and np.abs(rows - at).max() <= 1:
        return _placed(rows, values, names, rate)
    fine = Curves(_interpolated(at * FINE, values, round(at[-1] * FINE) + 1), names, rate * FINE)
    held = np.rint(at * FINE).astype(np.intp)
    fine.values[held] = values
    return Even(resample(fine, rate), 0)


def _placed(rows: Rows, values: Array, names: tuple[str, ...], rate: float) -> Even:
    count = int(rows[-1]) + 1
    if count == len(rows):
        return Even(Curves(values, names, rate), 0)
    even = _interpolated(rows, values, count)
    even[rows] = values
    return Even(Curves(even, names, rate), count - len(rows))


def _interpolated(at: Times | Rows, values: Array, count: int) -> Array:
    """Rows 0 to `count` of values that lie at these rows, one column after the other to save memory."""
    even = np.empty((count, values.shape[1]), np.float32)
    wanted = np.arange(count)
    for column in range(values.shape[1]):
        even[:, column] = np.interp(wanted, at, values[:, column])
    return even
