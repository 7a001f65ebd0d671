"""The sounds of each language: what espeak-ng writes, what the mouth does there, and what an English ear takes it for.

Mouths are scored and taught in the 40 classes of phones.py, which are English. A sound that English lacks is labelled
with the class whose lips it shares (German ü rounds like uw), and is aligned as the English sound it is nearest to,
since the acoustic model at hand heard English only. Where the two differ, the table says label=heard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .corpora import CorpusError


class Sound(NamedTuple):
    """A class of phones.py, and the English phone that the aligner hears it as; both lower case."""

    label: str
    heard: str


@dataclass(frozen=True)
class Language:
    """How espeak-ng calls it, and its sounds by their IPA spelling; trained: whether real speech checked the table."""

    voice: str
    sounds: Mapping[str, str]
    checked: bool = False


# What most languages here share; a table of its own goes before it.
COMMON = {
    "tʃ": "ch", "dʒ": "jh", "ts": "t s", "dz": "d z", "p": "p", "b": "b", "t": "t", "d": "d", "k": "k", "ɡ": "g",
    "c": "k", "ɟ": "g", "m": "m", "n": "n", "ɲ": "n y", "ŋ": "ng", "ɱ": "m", "l": "l", "ɫ": "l", "ʎ": "l y", "f": "f",
    "v": "v", "ʋ": "v", "θ": "th", "ð": "dh", "s": "s", "z": "z", "ʃ": "sh", "ʒ": "zh", "ʂ": "sh", "ʐ": "zh",
    "ɕ": "sh", "ʑ": "zh", "h": "hh", "ɦ": "hh", "x": "hh", "χ": "hh", "ɣ": "g", "β": "b=v", "ç": "hh=sh", "j": "y",
    "ʝ": "y", "w": "w", "ɥ": "w", "r": "l=r", "ɾ": "d=t", "ɹ": "r", "ʁ": "hh=g",
    "i": "iy", "ɪ": "ih", "ɨ": "ih", "y": "uw=iy", "ʏ": "uh=ih", "e": "ey", "ɛ": "eh", "æ": "ae", "a": "aa", "ɑ": "aa",
    "ɐ": "ah", "ə": "ah", "ɜ": "ah", "ʌ": "ah", "ø": "er", "œ": "er", "ɒ": "ao", "ɔ": "ao", "o": "ow", "ʊ": "uh",
    "u": "uw", "ɯ": "ih", "aɪ": "ay", "aʊ": "aw",
}  # fmt: skip

LANGUAGES: dict[str, Language] = {
    "de": Language(
        "de",
        COMMON | {
            "ɔø": "oy", "ɔɪ": "oy", "ɔʏ": "oy", "pf": "p f", "l": "l=n", "r": "hh=ah", "ɾ": "hh=ah",
            "ʁ": "hh=ah", "y": "uw", "ʏ": "uh", "ç": "hh",
        },
        checked=True,
    ),
}  # fmt: skip


def language_of(tag: str) -> Language | None:
    """The language of a BCP 47 tag such as de-DE, or None where there is no table for it; English has its own way."""
    return LANGUAGES.get(tag.split("-")[0].lower())


def known(tag: str) -> Language:
    """The language of a BCP 47 tag; one without a table is an error that names it."""
    language = language_of(tag)
    if language is None:
        raise CorpusError(f"no table of sounds for the language {tag!r}: known are en, {', '.join(LANGUAGES)}")
    return language


def sounds_of(ipa: str, language: Language) -> tuple[Sound, ...]:
    """The sounds of an IPA string, longest spelling first; marks, and signs of no sound, are passed over."""
    ipa = re.sub(r"\([a-z-]+\)|[ˈˌːˑ\u0303\u0329\u032f\u200d\sʔ]", "", ipa)  # (en) says that a word is foreign
    longest = max(map(len, language.sounds))
    found: list[Sound] = []
    at = 0
    while at < len(ipa):
        spelling = next((ipa[at : at + n] for n in range(longest, 0, -1) if ipa[at : at + n] in language.sounds), "")
        for name in language.sounds.get(spelling, "").split():
            label, _, heard = name.partition("=")
            found.append(Sound(label, heard or label))
        at += len(spelling) or 1
    return tuple(found)
