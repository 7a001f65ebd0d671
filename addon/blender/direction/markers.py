"""Direction written into the timeline: markers such as `joy 0.6` say what a face feels from their frame on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...core import emotions
from ...core.errors import SettingsError, quoted

SHORT = 4  # letters; a word this short is a letter away from too many others: near, tear, job, toy
_KNOWN = {name: name for name in emotions.NAMES} | emotions.OTHER_WORDS
_WORD = re.compile(r"(?<![\d.])[^\W\d_]+")
_SPEAKER = re.compile(r"\s*([^:]+?)\s*:\s*(\S.*)")


def read(
    markers: Iterable[tuple[str, int]], fps: float, first_frame: int, speakers: frozenset[str] = frozenset()
) -> tuple[tuple[emotions.Mark, ...], tuple[str, ...]]:
    """The marks that markers, (name, frame), make on a line that starts on a frame, by time; and what to tell.

    `Anna: joy` is for a head named Anna alone, here one of `speakers`. Markers on one frame add up. Those before the
    line count too: the last of them is how it begins. A marker that names no emotion is left alone, but one that looks
    like an emotion misspelt, or gives a strength that is none, is told.
    """
    moods: dict[int, emotions.Mood] = {}
    told: list[str] = []
    for name, frame in sorted(markers, key=lambda marker: marker[1]):
        text = _addressed(name, {speaker.casefold() for speaker in speakers})
        words = [word.casefold() for word in _WORD.findall(text)]
        if not words:
            continue
        if strange := [word for word in words if word not in _KNOWN]:
            told += _misspelt(name, frame, words, strange, bool(re.search(r"\d\s*%|[01][.,]\d|[.,]\d", text)))
            continue
        try:
            mood = emotions.mood(_plain(text))
        except SettingsError as error:
            told.append(f"marker at frame {frame}: {error}")
            continue
        moods[frame] = tuple(map(max, moods.get(frame, mood), mood))
    return tuple(((frame - first_frame) / fps, mood) for frame, mood in moods.items()), tuple(told)


def _addressed(name: str, speakers: set[str]) -> str:
    """What a marker says to one of `speakers`, without the name it is addressed to."""
    match = _SPEAKER.fullmatch(name)
    if match is None or match[1].casefold() in _KNOWN:  # `joy: 0.6` is joy
        return name
    return match[2] if match[1].casefold() in speakers else ""


def _plain(text: str) -> str:
    """The text as a settings file would have it: decimal points, and nothing but blanks between emotions."""
    return re.sub(r"[;,+&!]", " ", re.sub(r",(?=\d)", ".", text))


def _misspelt(name: str, frame: int, words: list[str], strange: list[str], has_strength: bool) -> list[str]:
    """What to tell of a marker of which all words but one are emotions, and that one nearly; else nothing."""
    word = strange[0]
    nearest = min(_KNOWN, key=lambda known: _edits(word, known))
    is_meant = len(words) > 1 or has_strength  # beside another emotion, or with a strength such as .6
    if len(strange) > 1 or not (_is_near(word, nearest) if is_meant else _is_slip(word, nearest)):
        return []
    called = f"no emotion is called {quoted(word)}; nearest is {quoted(_KNOWN[nearest])}"
    return [f"marker {quoted(name)} at frame {frame}: {called}"]


def _is_near(word: str, known: str) -> bool:
    return _edits(word, known) <= max(1, len(known) // 3)


def _is_slip(word: str, known: str) -> bool:
    """Whether a lone word can hardly mean anything else: `angr` and `fera` cannot, `danger` and `near` can."""
    if len(known) <= SHORT:
        return set(word) == set(known) and _edits(word, known) == 1
    return word[0] == known[0] and _edits(word, known) <= len(known) // 4


def _edits(word: str, other: str) -> int:
    """Letters to add, drop, change or swap with their neighbour until one word is the other."""
    before, row = [0] * (len(other) + 1), list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == wanted:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
