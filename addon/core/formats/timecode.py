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
NTSC = 1_000 / 1_001  # film and video run slower than they count by 1 in 1001
NEAR = 2e-3  # rates that differ by no more than that are counted alike
SECOND, FRAME, KIND = 0, 1, 2  # columns of what `parse` returns
WHOLE, DROP, CLOCK = 0.0, 1.0, 2.0  # kinds: every number is used; some are dropped; plain seconds
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
    """Seconds after midnight of a timecode at this rate of frames; None if it is none."""
    code = parse([text.strip()])
    if np.isnan(code).any():
        return None
    base = max(1, math.ceil(rate - 0.05))
    return float(code[0, SECOND] + code[0, FRAME] / base)


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
    return (value, 0.0, CLOCK) if math.isfinite(value) else (math.nan, math.nan, math.nan)


def seconds(codes: Times, rate: float | None = None) -> tuple[Times, float]:
    """Time of every row in seconds, (N,), and the frames a second that its timecode counts; 0 for plain seconds.

    `rate` says what the timecode counts where it can't tell by itself: 23.976 is written as 24, and 29.97 as 30.
    """
    if (codes[:, KIND] == CLOCK).all():
        return codes[:, SECOND].copy(), 0.0
    base = _base(codes)
    if rate is not None and not math.isclose(rate, base, rel_tol=NEAR):
        base = max(base, math.ceil(rate - 0.05))  # a take shorter than a second has not shown how far it counts
    if base in DROPS and _drops(codes, base):
        minutes = codes[:, SECOND] // 60
        skipped = DROPS[base] * (minutes - minutes // 10)
        return (codes[:, SECOND] * base + codes[:, FRAME] - skipped) / (base * NTSC), base * NTSC
    runs = rate if rate is not None and math.isclose(rate, base, rel_tol=NEAR) else float(base)
    return (codes[:, SECOND] + codes[:, FRAME] / base) * (base / runs), runs


def _base(codes: Times) -> int:
    """How many frames the timecode counts before the second rolls over; Live Link Face's 60 where no second ends."""
    second, frame = codes[:, SECOND], codes[:, FRAME]
    passed, step = np.diff(second), np.diff(frame)
    steps, rolls = step[passed == 0], -step[passed == 1]
    least: int = math.floor(float(frame.max(initial=0))) + 1
    if not len(steps) or not len(rolls):
        return max(least, 60)
    return max(least, round(float(np.median(rolls)) + float(np.median(steps))))


def _drops(codes: Times, base: int) -> bool:
    """Whether the timecode leaves out the first numbers of a minute, as it does beside a `;` or by what it does."""
    if (codes[:, KIND] == DROP).any():
        return True
    minute, frame = codes[:, SECOND] // 60, np.floor(codes[:, FRAME])
    plain = (np.diff(codes[:, SECOND]) == 1) & (np.diff(minute) == 1) & (minute[1:] % 10 != 0)
    skips = (frame[1:] == DROPS[base]) & (frame[:-1] == base - 1)
    return bool(plain.any() and skips[plain].all())
