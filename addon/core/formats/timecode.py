"""Timecode: what HH:MM:SS:FF says, at which rate it counts, and whether it drops numbers to keep up with the clock."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]

PATTERN = re.compile(r"(\d{1,2})[:;](\d{1,2})[:;](\d{1,2})([:;])(\d{1,3})(\.\d+)?")
DAY_S = 86_400.0
LATEST_S = 1e12  # a time beyond it is none, be it milliseconds since 1970; rows there would fall on one moment
NTSC = 1_000 / 1_001  # film and video run slower than they count by 1 in 1001
NEAR = 2e-3  # rates that differ by no more than that are counted alike
SECOND, FRAME, KIND = 0, 1, 2  # columns of what `parse` returns
WHOLE, DROP, CLOCK = 0.0, 1.0, 2.0  # kinds: every number is used; some are dropped; plain seconds
USUAL = 60  # what Live Link Face counts to
DROPS = {30: 2, 60: 4}  # numbers that a minute begins without, unless it is a tenth one


def timecode(index: int, rate: float, start_s: float = 0.0) -> str:
    """HH:MM:SS:FF.mmm of a row; 23.976 and 29.97 count 24 and 30 frames a second without dropping any."""
    base = max(1, math.ceil(rate - 0.05))
    step = 1.0 if math.isclose(rate, base, rel_tol=NEAR) else base / rate  # frames a row: 12.5 counts 13 in real time
    thousandths = round((index * step + start_s * base) * 1000)
    frame, fraction = divmod(thousandths, 1000)
    seconds, frame = divmod(frame, base)
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}.{fraction:03d}"


def of_day(text: str, rate: float) -> float | None:
    """Seconds after midnight of a timecode at this rate of frames; None if no day has it."""
    second, frame, _kind = parse([text.strip()])[0]
    base = max(1, math.ceil(rate - 0.05))
    return float(second + frame / base) if 0 <= second < DAY_S and frame < base else None  # NaN is neither


def parse(texts: Sequence[str]) -> Times:
    """Second of the day, frame with its fraction, and kind of each timecode, (N, 3); not a number where it is none."""
    return np.array([_parsed(text) for text in texts], np.float64).reshape(-1, 3)


def _parsed(text: str) -> tuple[float, float, float]:
    match = PATTERN.fullmatch(text)
    if match is None:
        return _seconds(text)
    hours, minutes, seconds, frame = (int(match[i]) for i in (1, 2, 3, 5))
    if minutes > 59 or seconds > 59:
        return math.nan, math.nan, math.nan
    kind = DROP if match[4] == ";" else WHOLE
    return hours * 3600 + minutes * 60 + seconds, frame + float(match[6] or 0), kind


def _seconds(text: str) -> tuple[float, float, float]:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    return (value, 0.0, CLOCK) if abs(value) <= LATEST_S else (math.nan, math.nan, math.nan)  # NaN is not


def seconds(codes: Times, rate: float | None = None) -> tuple[Times, float]:
    """Time of every row in seconds, (N,), and the frames a second that its timecode counts; 0 for plain seconds.

    The first is the time of day that its timecode names, and those after it have passed since then in real time, over
    midnight too. `rate` says what the timecode counts where it can't tell by itself: 23.976 is written as 24, and
    29.97 as 30.
    """
    if (codes[:, KIND] == CLOCK).all():
        return np.unwrap(codes[:, SECOND], period=DAY_S), 0.0
    base = _base(codes, rate)
    at = np.unwrap(codes[:, SECOND] + codes[:, FRAME] / base, period=DAY_S)
    if base in DROPS and _drops(codes, base):
        minutes = at // 60
        numbers, runs = at * base - DROPS[base] * (minutes - minutes // 10), base * NTSC
    else:
        is_near = rate is not None and math.isclose(rate, base, rel_tol=NEAR)
        numbers, runs = at * base, float(rate if rate is not None and is_near else base)
    return at[0] + (numbers - numbers[0]) / runs, runs


def ends_a_second(codes: Times) -> bool:
    """Whether a second rolls over while frames are counted, so that the timecode tells how far it counts."""
    passed = np.diff(codes[:, SECOND])
    return bool((passed == 0).any() and (passed % DAY_S == 1).any())


def _base(codes: Times, rate: float | None) -> int:
    """How many frames the timecode counts before the second rolls over; where no second ends, `rate` or 60 decides."""
    passed, step = np.diff(codes[:, SECOND]) % DAY_S, np.diff(codes[:, FRAME])
    steps = step[passed == 0]
    least: int = math.floor(float(codes[:, FRAME].max(initial=0))) + 1
    told = 0 if rate is None else math.ceil(rate - 0.05)
    if ends_a_second(codes):
        ends = np.rint(np.median(steps) - step[passed == 1])
        base = max(least, round(float(np.median(ends))))
        is_sure = len(ends) > 1 and bool((ends == base).mean() > 0.5)  # else frames were dropped where a second ended
        return base if is_sure or (rate is not None and math.isclose(rate, base, rel_tol=NEAR)) else max(base, told)
    if told and len(steps):
        leap = max(1, round(float(np.median(steps))))
        told *= leap if told * leap <= USUAL else 1  # the app counts 30 a second as 60, by twos
    return told if told >= least else max(least, USUAL)


def falls_behind(codes: Times, runs: float) -> bool:
    """Whether a timecode that counts `runs` frames a second leaves out no numbers to keep up with the day."""
    base = round(runs)
    return runs != base and not (base in DROPS and _drops(codes, base))


def _drops(codes: Times, base: int) -> bool:
    """Whether the timecode leaves out the first numbers of a minute, as it does beside a `;` or by what it does."""
    if (codes[:, KIND] == DROP).any():
        return True
    minute, frame = codes[:, SECOND] // 60, np.floor(codes[:, FRAME])
    plain = (np.diff(codes[:, SECOND]) == 1) & (np.diff(minute) == 1) & (minute[1:] % 10 != 0)
    skips = (frame[1:] == DROPS[base]) & (frame[:-1] == base - 1)
    return bool(plain.any() and skips[plain].all())
