"""Direction written into the timeline: markers such as `joy 0.6` say what a face feels from their frame on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..core.errors import quoted

EMOTIONS = ("joy", "sadness", "anger", "fear", "disgust", "surprise", "contempt")
NEUTRAL = "neutral"
ALSO = {
    "happy": "joy",
    "joyful": "joy",
    "sad": "sadness",
    "angry": "anger",
    "afraid": "fear",
    "fearful": "fear",
    "scared": "fear",
    "disgusted": "disgust",
    "surprised": "surprise",
    "contemptuous": "contempt",
}
SHORT = 4  # letters; a word this short is a letter away from too many others: near, tear, job, toy
_WORDS = {name: name for name in (NEUTRAL, *EMOTIONS)} | ALSO
_NUMBER = r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)"
_TERM = re.compile(rf"([^\W\d_]+)[\s:=]*(?:({_NUMBER})\s*(%?))?(?=[\s,;+&!]|$)[\s,;+&!]*")
_SPEAKER = re.compile(r"\s*([^:]+?)\s*:\s*(\S.*)")


@dataclass(frozen=True)
class Cue:
    """From `time_s` of the line on, the face feels `mood`: emotion → strength 0..1; an empty one is neutral."""

    time_s: float
    mood: dict[str, float] = field(default_factory=dict)


def read(
    markers: Iterable[tuple[str, int]], fps: float, first_frame: int, speakers: frozenset[str] = frozenset()
) -> tuple[tuple[Cue, ...], tuple[str, ...]]:
    """The emotions that markers, (name, frame), ask of a line that starts on a frame, in order; and what to tell.

    `Anna: joy` is for a head named Anna alone, here one of `speakers`. Markers on one frame add up. Those before the
    line count too: the last of them is how it begins. A marker that names no emotion is left alone, but one that looks
    like an emotion misspelt, or gives a strength that is none, is told.
    """
    cues: dict[int, dict[str, float]] = {}
    told: list[str] = []
    for name, frame in sorted(markers, key=lambda marker: marker[1]):
        text = _addressed(name, {speaker.casefold() for speaker in speakers})
        if text is None:
            continue
        mood, fault = _mood(text)
        if fault:
            told.append(f"marker {quoted(name)} at frame {frame}: {fault}")
        elif mood is not None:
            cues[frame] = cues.get(frame, {}) | mood
    return tuple(Cue((frame - first_frame) / fps, mood) for frame, mood in cues.items()), tuple(told)


def _addressed(name: str, speakers: set[str]) -> str | None:
    """What a marker says without the name it is addressed to; None if it is for somebody else."""
    match = _SPEAKER.fullmatch(name)
    if match is None or match[1].casefold() in _WORDS:  # `joy: 0.6` is joy
        return name
    if match[1].casefold() in speakers:
        return match[2]
    return None


def _mood(text: str) -> tuple[dict[str, float] | None, str]:
    """The emotions that a text names, or None; and what is wrong with it, if it means to name one."""
    terms = _terms(text)
    if terms is None:
        first = re.match(r"\s*([^\W\d_]+)[\s:=]*[-+.,]*\d", text)
        meant = first is not None and first[1].casefold() in _WORDS
        return None, "cannot be read; write it like 'joy 0.6'" if meant else ""
    known = [_WORDS.get(word) for word, _strength in terms]
    if None in known:
        return None, _misspelt(terms)
    mood = {}
    for name, (word, strength) in zip(known, terms, strict=True):
        if not 0 <= strength <= 1:
            return None, f"{word} can be 0 to 1, not {strength:g}"
        if name is not None and name != NEUTRAL and strength > 0:
            mood[name] = strength
    return mood, ""


def _terms(text: str) -> list[tuple[str, float]] | None:
    """The words of a text and the strength after each, 1 where there is none; None if it holds anything else."""
    terms: list[tuple[str, float]] = []
    at = len(text) - len(text.lstrip())
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            return None
        number = float(match[2].replace(",", ".")) if match[2] else 1.0
        terms.append((match[1].casefold(), number / 100 if match[3] else number))
        at = match.end()
    return terms or None


def _misspelt(terms: list[tuple[str, float]]) -> str:
    """What to tell of words of which all but one are emotions, and that one nearly; empty if it is something else."""
    strange = [(word, strength) for word, strength in terms if word not in _WORDS]
    word, strength = strange[0]
    is_meant = len(terms) > 1 or 0 < strength < 1  # beside another emotion, or with a strength such as .6
    nearest = min(_WORDS, key=lambda known: _edits(word, known))
    if len(strange) > 1 or not (_is_near(word, nearest) if is_meant else _is_slip(word, nearest)):
        return ""
    return f"no emotion is called {quoted(word)}; nearest is {quoted(_WORDS[nearest])}"


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
