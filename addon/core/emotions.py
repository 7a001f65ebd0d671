"""The eight emotions, how they are written (`joy 0.6`), and marks that key them over time."""

from __future__ import annotations

import difflib
import math
import re

import numpy as np

from .curves import Array
from .errors import SettingsError, quoted

NEUTRAL = "neutral"
NAMES = (NEUTRAL, "joy", "sadness", "anger", "fear", "disgust", "surprise", "contempt")
OTHER_WORDS = {
    "happy": "joy", "happiness": "joy", "joyful": "joy", "sad": "sadness", "angry": "anger", "rage": "anger",
    "afraid": "fear", "fearful": "fear", "scared": "fear", "disgusted": "disgust", "surprised": "surprise",
    "contemptuous": "contempt", "calm": NEUTRAL,
}  # fmt: skip
MAX_MARKS = 10_000

Mood = tuple[float, ...]  # a weight for each of NAMES
Mark = tuple[float, Mood]  # from so many seconds on

_WORD = re.compile(r"([^\W\d]+)\s*[:=]?\s*([-+]?[\d.]+(?:e[-+]?\d+)?%?)?", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_TIME = re.compile(r"([-+]?[\d.]+)\s*+(?:s\b\s*+)?(?:[:=]\s*+)?(?=[^\W\d])")  # blanks are never shared out anew


def mood(text: str) -> Mood:
    """The weights that a text such as `joy 0.6`, `anger 80% fear 0.2` or `neutral` asks for, (8,); no number is 1."""
    weights = dict.fromkeys(NAMES, 0.0)
    rest = _DECIMAL_COMMA.sub(".", text).strip(" \t,+")
    while rest:
        word = _WORD.match(rest)
        name = _known(word[1]) if word else None
        if word is None or name is None:
            raise SettingsError(
                f"{quoted(text.strip())} names no emotion{_hint(rest)}; write one of {', '.join(NAMES)}"
            )
        weights[name] = _weight(word[2], name, text)
        rest = rest[word.end() :].strip(" \t,+")
    if not any(weights.values()) and not text.strip(" \t,+"):
        raise SettingsError(f"a mark without an emotion; write one such as joy 0.6, of {', '.join(NAMES)}")
    return tuple(weights.values())


def marks(text: str) -> tuple[Mark, ...]:
    """The marks of a track such as `0.5 joy 0.6; 2 anger; 4.2 neutral`, by time; several lines do as well as `;`."""
    found = []
    for entry in filter(None, (part.strip() for part in re.split(r"[;\n]", _DECIMAL_COMMA.sub(".", text)))):
        time = _TIME.match(entry)
        if not time:
            raise SettingsError(f"mark {quoted(entry)} does not begin with its seconds; write it as 1.5 joy 0.6")
        found.append((_seconds(time[1], entry), mood(entry[time.end() :])))
    if len(found) > MAX_MARKS:
        raise SettingsError(f"an emotion track of {len(found)} marks; {MAX_MARKS} at most")
    found.sort(key=lambda mark: mark[0])
    return tuple(found)


def track(marks: tuple[Mark, ...]) -> str:
    """The text that `marks` reads."""
    return "; ".join(
        f"{time_s:.6g} "
        + (" ".join(f"{n} {w:.6g}" for n, w in zip(NAMES, weights, strict=True) if w) or f"{NEUTRAL} 0")
        for time_s, weights in marks
    )


def keyed(base: Mood, marks: tuple[Mark, ...], rows: int, rate: float, transition_s: float) -> Array:
    """The weights over time, (T, 8): `base` until the first mark, then each mark's; half changed at the mark itself.

    Neutral holds the others back before they change, for else a change to or from it would be lopsided.
    """
    t = np.arange(rows) / rate
    before = held_back(np.asarray([base], np.float32))
    weights = np.tile(before, (rows, 1))
    done = 0  # rows that are filled in; after them the last mark holds
    for time_s, wanted in marks:  # a later mark takes over from whatever the change before it has reached
        first, last = np.searchsorted(t, (time_s - transition_s / 2, time_s + transition_s / 2))
        weights[done:last] = before
        share = np.clip((t[first:last] - time_s) / transition_s + 0.5, 0, 1)
        eased = (share * share * (3 - 2 * share)).astype(np.float32)[:, np.newaxis]
        before = held_back(np.asarray([wanted], np.float32))
        weights[first:last] += eased * (before - weights[first:last])
        done = last
    weights[done:] = before
    return weights


def held_back(moods: Array) -> Array:
    """Weights, (T, 8), of which neutral, the first, holds the others back."""
    return np.concatenate([moods[:, :1], moods[:, 1:] * (1 - moods[:, :1])], axis=1)


def _known(word: str) -> str | None:
    word = word.lower()
    return word if word in NAMES else OTHER_WORDS.get(word)


def _hint(text: str) -> str:
    word = re.match(r"\w+", text)
    near = difflib.get_close_matches(word[0].lower(), [*NAMES, *OTHER_WORDS], 1) if word else []
    return f" (did you mean {_known(near[0])}?)" if near else ""


def _weight(number: str | None, name: str, text: str) -> float:
    if number is None:
        return 1.0
    try:
        weight = float(number.rstrip("%")) / (100 if number.endswith("%") else 1)
    except ValueError:
        weight = math.nan
    if not 0 <= weight <= 1:
        raise SettingsError(f"{name} in {quoted(text.strip())} must be 0 to 1, not {number}")
    return weight


def _seconds(number: str, entry: str) -> float:
    try:
        time_s = float(number)
    except ValueError:
        time_s = math.nan
    if not math.isfinite(time_s):
        raise SettingsError(f"mark {quoted(entry)} does not begin with its seconds; write it as 1.5 joy 0.6")
    return time_s
