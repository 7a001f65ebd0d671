"""Live Link Face's CSV takes: 63 columns, time of day as timecode, read by column name.

Measured on takes of the iPhone app: `BlendShapeCount` heads raw takes and `BlendshapeCount` calibrated ones; the app
lists Right before Left for jaw and mouth where Apple's order has Left first; a timecode HH:MM:SS:FF.mmm carries the
fraction of its frame; 30 Hz takes count FF in steps of 2; frames drop. Eye angles are radians.
"""

from __future__ import annotations

import csv
import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .. import channels
from ..curves import Array, Curves, resample
from ..errors import FormatError, quoted
from .whole import written_whole

RATE = 60.0  # the app's
ROLLS = ("leftEyeRoll", "rightEyeRoll")  # in the file, though no channel: eyes don't roll
SWAPPED = {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}
ORDER = (
    *(SWAPPED.get(name, name) for name in channels.ARKIT),
    *channels.HEAD,
    *("leftEyeYaw", "leftEyePitch", "leftEyeRoll", "rightEyeYaw", "rightEyePitch", "rightEyeRoll"),
)
HEADER = ("Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in ORDER))
NTSC = 2e-3  # film and video run slower than their timecode by 1 in 1001
TIMECODE = re.compile(r"(\d+):(\d+):(\d+)[:;](\d+)(\.\d+)?")
BY_LOWER_NAME = {name.lower(): name for name in (*channels.ALL, *ROLLS)}


def write(path: Path, curves: Curves, rate: float = RATE, start_s: float = 0.0) -> None:
    """Writes a take whose first row has the timecode `start_s` seconds after midnight."""
    sampled = resample(curves, rate).select(ORDER)
    row_format = ",".join(["%.10f"] * len(ORDER))
    count = str(len(ORDER))
    with written_whole(path) as file:
        file.write(",".join(HEADER) + "\n")
        for index, row in enumerate(sampled.values):
            file.write(f"{timecode(index, rate, start_s)},{count},{row_format % tuple(row.tolist())}\n")


def timecode(index: int, rate: float, start_s: float = 0.0) -> str:
    """HH:MM:SS:FF.mmm of a row; 23.976 and 29.97 count 24 and 30 frames a second without dropping any."""
    base = max(1, math.ceil(rate - 0.05))
    step = 1.0 if math.isclose(rate, base, rel_tol=NTSC) else base / rate  # frames a row: 12.5 counts 13 in real time
    thousandths = round((index * step + start_s * base) * 1000)
    frame, fraction = divmod(thousandths, 1000)
    seconds, frame = divmod(frame, base)
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}.{fraction:03d}"


def read(path: Path, rate: float | None = None) -> Curves:
    """A take as even rows; `rate` None is the take's own, from its timecodes. Dropped frames are interpolated."""
    times, base, names, values = _table(path)
    if not len(values):
        return Curves(values, names, rate or RATE)
    step_s = float(np.median(np.diff(times))) if len(times) > 1 else 1 / base
    rate = rate or base / max(1, round(step_s * base))
    at = np.arange(round((times[-1] - times[0]) * rate) + 1) / rate + times[0]
    even = np.stack([np.interp(at, times, column) for column in values.T], axis=1)
    return Curves(even.astype(np.float32), names, rate)


def _table(path: Path) -> tuple[npt.NDArray[np.float64], int, tuple[str, ...], Array]:
    """Seconds of every row (T,), frames a second of the timecode, names, and values (T, C)."""
    header, *rows = _cells(path) or [[]]
    columns = {BY_LOWER_NAME[name.lower()]: i for i, name in enumerate(header) if name.lower() in BY_LOWER_NAME}
    if not columns or header[0].lower() != "timecode":
        raise FormatError(f"{quoted(path)} is not a Live Link Face take: its first row must name Timecode and shapes")
    full = [row for row in rows if len(row) >= len(header)]  # without a face the app leaves the shapes out
    codes = [_fields(row[0], path) for row in full]
    try:
        values = np.array([[float(row[i]) for i in columns.values()] for row in full], np.float32)
    except ValueError as error:
        raise FormatError(f"{quoted(path)}: {error}") from error
    if not np.isfinite(values).all():
        raise FormatError(f"{quoted(path)} holds a value that is not a number")
    base = _frames_a_second(codes)
    times = np.unwrap([seconds + frame / base for seconds, frame in codes], period=86_400.0)  # a take over midnight
    order = np.argsort(times, kind="stable")
    return times[order], base, tuple(columns), values.reshape(-1, len(columns))[order]


def _cells(path: Path) -> list[list[str]]:
    """The rows that are not empty, each cell without the blanks round it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    except OSError as error:
        raise FormatError(f"{quoted(path)} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{quoted(path)} is not a Live Link Face take: it is not a CSV text") from error


def _fields(text: str, path: Path) -> tuple[int, float]:
    match = TIMECODE.fullmatch(text)
    if match is None:
        raise FormatError(f"{quoted(path)}: timecode {quoted(text)} is not HH:MM:SS:FF.mmm")
    hours, minutes, seconds, frame = (int(match[i]) for i in range(1, 5))
    return hours * 3600 + minutes * 60 + seconds, frame + float(match[5] or 0)


def _frames_a_second(codes: list[tuple[int, float]]) -> int:
    """How many frames the timecode counts before the second rolls over; the app's 60 where no second ends."""
    steps = [b[1] - a[1] for a, b in pairwise(codes) if a[0] == b[0]]
    rolls = [a[1] - b[1] for a, b in pairwise(codes) if b[0] - a[0] == 1]
    if not steps or not rolls:
        return int(RATE)
    return max(1, round(float(np.median(rolls)) + float(np.median(steps))))
