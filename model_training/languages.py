"""The sounds of each language: what espeak-ng writes, what the mouth does there, and what an English ear takes it for.

Mouths are scored and taught in the 40 classes of phones.py, which are English. A sound that English lacks is labelled
with the class whose lips it shares (German ü rounds like uw), and is aligned as the English sound it is nearest to,
since the acoustic model at hand heard English only. Where the two differ, the table says label=heard.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Sound(NamedTuple):
    """A class of phones.py, and the English phone that the aligner hears it as; both lower case."""

    label: str
    heard: str


@dataclass(frozen=True)
class Language:
    """How espeak-ng calls it, and its sounds by their IPA spelling."""

    voice: str
    sounds: Mapping[str, str]


def _table(*parts: Mapping[str, str]) -> dict[str, str]:
    """Tables on top of one another, letters and their marks apart as `sounds_of` reads them."""
    return {_apart(ipa): sounds for part in parts for ipa, sounds in part.items()}


def _apart(ipa: str) -> str:
    return unicodedata.normalize("NFD", ipa)


# What most languages here share; a table of its own goes before it.
COMMON = {
    "tʃ": "ch", "dʒ": "jh", "ts": "t s", "dz": "d z", "p": "p", "b": "b", "t": "t", "d": "d", "k": "k", "ɡ": "g",
    "c": "k", "ɟ": "g", "m": "m", "n": "n", "ɲ": "n y", "ŋ": "ng", "ɱ": "m", "l": "l", "ɫ": "l", "ʎ": "l y", "f": "f",
    "v": "v", "ʋ": "v", "θ": "th", "ð": "dh", "s": "s", "z": "z", "ʃ": "sh", "ʒ": "zh", "ʂ": "sh", "ʐ": "zh",
    "ɕ": "sh", "ʑ": "zh", "h": "hh", "ɦ": "hh", "x": "hh", "χ": "hh", "ɣ": "g", "β": "b=v", "ç": "hh=sh", "j": "y",
    "ʝ": "y", "w": "w", "ɥ": "w", "r": "l=r", "ɾ": "d=t", "ɹ": "r", "ʁ": "hh=g",
    "i": "iy", "ɪ": "ih", "ɨ": "ih", "y": "uw=iy", "ʏ": "uh=ih", "e": "ey", "ɛ": "eh", "æ": "ae", "a": "aa", "ɑ": "aa",
    "ɐ": "ah", "ə": "ah", "ɜ": "ah", "ʌ": "ah", "ø": "er", "œ": "er", "ɒ": "ao", "ɔ": "ao", "o": "ow", "ʊ": "uh",
    "u": "uw", "ɯ": "ih", "aɪ": "ay", "aʊ": "aw", "eɪ": "ey", "oɪ": "oy", "ɔɪ": "oy", "oʊ": "ow",
}  # fmt: skip

GERMAN = {
    "ɔø": "oy", "ɔʏ": "oy", "pf": "p f", "l": "l=n", "r": "hh=ah", "ɾ": "hh=ah", "ʁ": "hh=ah", "y": "uw", "ʏ": "uh",
    "ç": "hh",
}  # fmt: skip

# Five pure vowels, e between the English eh and ey. b, d, g between vowels only come near: β is the lips of b that do
# not quite meet, and b is the nearest class; v would show teeth, w would round.
SPANISH = {"e": "eh", "ɪ": "iy=ih", "ʊ": "uw=uh", "eɪ": "ey", "eʊ": "eh uw"}

# Nasal vowels: an is open and a little rounded, on is a rounded o, in is a spread vowel as open as ae, un rounds.
# The schwa is a rounded vowel here, and sh and zh protrude as in English.
FRENCH = {
    "ɑ̃": "ao=aa", "ɔ̃": "ow=ao", "ɛ̃": "ae", "œ̃": "er=ah", "ə": "uh=ah", "y": "uw", "ø": "er=uh", "œ": "er=ah",
    "ʁ": "hh=r", "ɥ": "w", "ʊ": "uw=uh",
}  # fmt: skip

# Unstressed i and u are written lax but stay i and u.
ITALIAN = {"ɪ": "iy", "ʊ": "uw", "eʊ": "eh uw"}

# Brazil's last vowels: y is a short i, æ a dull a. After a nasal vowel espeak-ng writes ŋ for a nasal glide. ão glides
# to u, õe to i. Portugal's ɨ and ɐ are dull vowels; e and o at the ends of its words almost vanish.
PORTUGUESE = {
    "y": "iy", "æ": "ah", "ɐ̃ʊ̃": "aw", "ɐ̃ʊ": "aw", "ɐ̃y": "ay", "ɐ̃ɪ": "ay", "ɐ̃j": "ay", "õj": "oy", "õɪ": "oy", "ɐ̃": "ah",
    "õ": "ow", "ũ": "uw", "ẽ": "ey", "ĩ": "iy", "ʊ": "uw=uh", "x": "hh", "ʁ": "hh=r", "ɹ": "l=r", "ʎ": "l y",
}  # fmt: skip

# sz, ż, cz round the lips; ś, ź, ć, dź are said with spread ones, though an English ear takes them for the same. ą
# glides to w. A palatalised consonant is followed by a short j.
POLISH = {
    "ɕ": "s=sh", "ʑ": "z=zh", "tɕ": "t s=sh", "dʑ": "d z=zh", "ɨ": "ih", "ɔ̃": "ow", "ɛ̃": "eh", "ʲ": "y", "ɲʲ": "n y",
    "ɔʊ": "ow", "ç": "hh",
}  # fmt: skip

# ř is said like ž or š with a trill; ť and ď are t and d on their way to a j. Vowels are pure.
CZECH = {"e": "eh", "r̝": "zh", "r̝̊": "sh", "c": "t y", "ɟ": "d y", "eʊ": "eh uw", "ɣ": "hh"}

# ui begins as an open ö and ends as ü; ij is an open ey, ou and au are aw. Short u is a rounded schwa, g a rasp, and w
# touches the teeth as v does.
DUTCH = {
    "œy": "er=ah uw=iy", "ɛɪ": "ey", "ʌʊ": "aw", "eʊ": "ey uw", "yʊ": "uw", "y": "uw", "ɵ": "uh=ah", "ø": "er=uh",
    "ɣ": "hh",
}  # fmt: skip

# espeak-ng writes y for ы and ɭ for a hard l. щ is said with spread lips, ё after a soft consonant rounds them. Soft
# consonants differ from hard ones in the tongue alone.
RUSSIAN = {"y": "ih", "ɭ": "l", "e": "eh", "ɕ": "s=sh", "ʑ": "z=zh", "ɵ": "ow=er", "ɣ": "hh"}

# By BCP 47 tag in lower case; a region without an entry of its own is spoken as the bare language.
LANGUAGES: dict[str, Language] = {
    "cs": Language("cs", _table(COMMON, CZECH)),
    "de": Language("de", _table(COMMON, GERMAN)),
    "es": Language("es", _table(COMMON, SPANISH)),
    "es-419": Language("es-419", _table(COMMON, SPANISH)),  # Latin America
    "fr": Language("fr", _table(COMMON, FRENCH)),
    "it": Language("it", _table(COMMON, ITALIAN)),
    "nl": Language("nl", _table(COMMON, DUTCH)),
    "pt": Language("pt-br", _table(COMMON, PORTUGUESE)),
    "pt-pt": Language("pt", _table(COMMON, PORTUGUESE)),
    "pl": Language("pl", _table(COMMON, POLISH)),
    "ru": Language("ru", _table(COMMON, RUSSIAN)),
}


def language_of(tag: str) -> Language | None:
    """The language of a BCP 47 tag such as de-DE, or None where there is no table for it; English has its own way."""
    tag = tag.lower()
    primary = tag.split("-")[0]
    if primary == "es" and tag not in ("es", "es-es"):
        tag = "es-419"
    return LANGUAGES.get(tag) or LANGUAGES.get(primary)


def language_of_voice(voice: str) -> Language | None:
    """The language that a voice of espeak-ng speaks, its variant aside (fr+m3), or None where there is no table."""
    accent = voice.partition("+")[0].lower()
    exact = (language for language in LANGUAGES.values() if language.voice == accent)
    return next(exact, None) or language_of(accent)


def sounds_of(ipa: str, language: Language) -> tuple[Sound, ...]:
    """The sounds of an IPA string, longest spelling first; marks, and signs of no sound, are passed over."""
    found: list[Sound] = []
    for spelling in _spellings(ipa, language):
        for name in language.sounds.get(spelling, "").split():
            label, _, heard = name.partition("=")
            found.append(Sound(label, heard or label))
    return tuple(found)


def _spellings(ipa: str, language: Language) -> list[str]:
    """An IPA string cut into the table's spellings, longest first, and signs that it lacks."""
    ipa = re.sub(r"\([a-z-]+\)|[ˈˌːˑ\s]", "", _apart(ipa))  # (en) says that a word is foreign
    longest = max(map(len, language.sounds))
    cut: list[str] = []
    at = 0
    while at < len(ipa):
        lengths = range(longest, 0, -1)
        spelling = next((ipa[at : at + n] for n in lengths if ipa[at : at + n] in language.sounds), ipa[at])
        cut.append(spelling)
        at += len(spelling)
    return cut
