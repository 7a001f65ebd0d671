"""Live Link Face's CSV takes: 63 columns, time of day as timecode, read by column name.

Measured on takes of the iPhone app: `BlendShapeCount` heads raw takes and `BlendshapeCount` calibrated ones; the app
lists Right before Left for jaw and mouth where Apple's order has Left first; a timecode HH:MM:SS:FF.mmm carries the
fraction of its frame; 30 Hz takes count FF in steps of 2; frames drop. Eye angles are radians.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from .. import channels
from ..curves import Array, Curves, resample
from ..errors import FormatError, listed, quoted
from ..whole import written_whole
from .recording import ROLLS, Recording, channel_of, columns_of
from .table import Table
from .timecode import CLOCK, DAY_S, NEAR, USUAL, Times, ends_a_second, falls_behind, parse, seconds, timecode
from .timecode import KIND as CODE_KIND
from .timing import FASTEST, SLOWEST, evened, rate_of

RATE = 60.0  # the app's
SWAPPED = {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}
ORDER = (
    *(SWAPPED.get(name, name) for name in channels.ARKIT),
    *channels.HEAD,
    *("leftEyeYaw", "leftEyePitch", "leftEyeRoll", "rightEyeYaw", "rightEyePitch", "rightEyeRoll"),
)
HEADER = ("Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in ORDER))
ROW = ",".join(["%.10f"] * len(ORDER))
CARRIED = ORDER
KIND = "a Live Link Face take"
TIME_NAMES = ("timecode", "time")
LONGEST_HOLE_S = 3600.0  # bridging more than an hour without a face makes no sense, and much memory
MOST_BRIDGED = 2**24  # values; all 61 columns for more than an hour at 60 a second
FASTEST_CODE = 1000.0  # frames a second: a timecode has three digits for them
SLIP_S = 1.0  # rows that come late by less are put in order


def write(path: Path, curves: Curves, rate: float = RATE, start_s: float | None = None) -> None:
    """Writes a take whose first row has the timecode `start_s` seconds after midnight."""
    if rate > FASTEST_CODE:
        raise FormatError(f"{quoted(path)} cannot count {rate:g} frames a second; ask for {FASTEST_CODE:g} or fewer")
    sampled = resample(curves, rate).select(ORDER)
    with written_whole(path) as file:
        file.write(",".join(HEADER) + "\n")
        file.writelines(line(row, index, rate, start_s or 0.0) + "\n" for index, row in enumerate(sampled.values))


def line(row: Array, index: int, rate: float, start_s: float) -> str:
    """One row, (61,) over ORDER, `index` rows after the first, which has the timecode `start_s`."""
    return f"{timecode(index, rate, start_s)},{len(ORDER)},{ROW % tuple(row.tolist())}"


def read(path: Path, rate: float | None = None) -> Recording:
    """A take as even rows at its own rate; `rate` is what its timecode counts, where that can't tell."""
    with Table(path, KIND) as table:
        columns = _columns(table)
        codes, numbers, values = _rows(table, columns)
    notes = _notes(table, columns)
    names = tuple(columns)
    if not len(values):
        return Recording(Curves(values, names, rate or RATE), None, notes)
    times, counted = seconds(codes, rate)
    times, values, repeats = _in_order(table, times, numbers, values)
    measured = _rate(table, times, counted)
    _check_spread(table, times, values, measured)
    even = evened(times, values, names, measured)
    if counted and rate is None and not ends_a_second(codes):
        counts = max(USUAL, round(counted))
        notes += (f"no second ends in it; it is taken to count {counts} (--file-fps or Capture Rate says another)",)
    if counted and not _agrees(rate, counted, even.curves.rate):
        notes += (f"its timecode counts {counted:g} frames a second; {rate:g} is left aside",)
    notes += (f"{repeats} rows repeat a timecode; the last of each counts",) if repeats else ()
    notes += (
        (f"{even.bridged} of {len(even.curves.values)} frames were dropped and are bridged",) if even.bridged else ()
    )
    start_s = float(times[0] % DAY_S) if counted else None
    return Recording(even.curves, start_s, notes, falls_behind(codes, counted))


def _rate(table: Table, times: Times, counted: float) -> float:
    """Rows a second; a FormatError if nobody would film so slow or so fast."""
    measured = rate_of(times, counted)
    if not SLOWEST <= measured <= FASTEST:
        apart_s = float(np.median(np.diff(times)))
        raise FormatError(f"{quoted(table.path)}: its rows lie {apart_s:g} s apart; write its times in seconds")
    return measured


def _check_spread(table: Table, times: Times, values: Array, rate: float) -> None:
    """Raises a FormatError where rows lie so far apart that what is missing between them would fill the memory."""
    rows = (times[-1] - times[0]) * rate
    if rows > 2 * len(times) and rows * values.shape[1] > MOST_BRIDGED:
        raise FormatError(
            f"{quoted(table.path)}: {len(times)} rows are spread over {rows:.0f} at {rate:g} a second; "
            "split the file where nothing was captured"
        )


def _agrees(told: float | None, *own: float) -> bool:
    """Whether a rate that the user tells is one that the take has itself."""
    return told is None or any(math.isclose(told, rate, rel_tol=NEAR) for rate in own)


def _columns(table: Table) -> dict[str, int]:
    """Channel → column."""
    columns = columns_of(table.header)
    if not columns or not {name.lower() for name in table.header} & set(TIME_NAMES):
        raise FormatError(f"{quoted(table.path)} is not {KIND}: its first row must name Timecode and shapes (JawOpen)")
    return columns


def _time_column(table: Table) -> int:
    header = [name.lower() for name in table.header]
    return next(header.index(name) for name in TIME_NAMES if name in header)


def _rows(table: Table, columns: dict[str, int]) -> tuple[Times, list[int], Array]:
    """Parsed timecodes (N, 3), line numbers, and values (N, C)."""
    codes, numbers, values = [np.zeros((0, 3))], [], [np.zeros((0, len(columns)), np.float32)]
    for block in table.blocks(_time_column(table), list(columns.values())):
        parsed = parse(block.times)
        wrong = np.flatnonzero(np.isnan(parsed[:, 0]))
        if len(wrong):
            text = quoted(block.times[wrong[0]])
            raise table.refuse(block.numbers[wrong[0]], f"timecode {text} is not HH:MM:SS:FF.mmm of a day")
        codes.append(parsed)
        numbers += block.numbers
        values.append(block.values)
    every = np.concatenate(codes)
    if len(set(every[:, CODE_KIND] == CLOCK)) > 1:
        raise FormatError(f"{quoted(table.path)} mixes timecodes and seconds; make them all of one kind")
    return every, numbers, np.concatenate(values)


def _in_order(table: Table, times: Times, numbers: list[int], values: Array) -> tuple[Times, Array, int]:
    """Rising times and their rows; a take that jumps is refused, a row that repeats a timecode replaces the other."""
    steps = np.diff(times)
    jump = np.flatnonzero((steps < -SLIP_S) | (steps > LONGEST_HOLE_S))
    if len(jump):
        where = "goes back" if steps[jump[0]] < 0 else "jumps by more than an hour"
        raise table.refuse(numbers[jump[0] + 1], f"the timecode {where}; split the file into its takes")
    if (steps <= 0).any():
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    last = np.append(np.diff(times) > 0, True)
    repeats = int(len(times) - last.sum())
    return (times[last], values[last], repeats) if repeats else (times, values, 0)


def _notes(table: Table, columns: dict[str, int]) -> tuple[str, ...]:
    missing = [name for name in channels.ARKIT if name not in columns]
    header = [name for name in table.header if channel_of(name) is None]
    extra = [name for name in header if name.lower() not in (*TIME_NAMES, "blendshapecount", "frame", "")]
    told = [
        (table.empty_rows, f"no face in {table.empty_rows} rows; they are bridged"),
        (table.is_cut, "its last row is cut off and left out"),
        (missing, f"no column for {listed(missing)}; at rest"),
        (extra, f"columns left out: {listed(extra)}"),
    ]
    return tuple(note for is_so, note in told if is_so)


__all__ = ["CARRIED", "HEADER", "ORDER", "RATE", "ROLLS", "line", "read", "timecode", "write"]
