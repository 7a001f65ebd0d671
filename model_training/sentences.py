"""Sentences to speak, in each language, put together from the parts in sentences/*.toml, which are ours (CC0).

Every fifth sentence is held out: it belongs to the part of a synthetic corpus that is for testing, and to no other.
"""

from __future__ import annotations

import functools
import re
import tomllib
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .corpora import CorpusError

FOLDER = Path(__file__).parent / "sentences"
HELD_OUT_EVERY = 5
TRIES = 200  # for a sentence that is not yet spoken


@functools.cache
def grammar(language: str) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """The templates of a language and the parts that fill them; a language without them is an error that names it."""
    file = FOLDER / f"{language}.toml"
    if not file.exists():
        known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.toml")))
        raise CorpusError(f"no sentences in the language {language!r}: there are some in {known}")
    read = tomllib.loads(file.read_text(encoding="utf-8"))
    return tuple(read["templates"]), {name: tuple(parts) for name, parts in read["parts"].items()}


def is_held_out(sentence: str) -> bool:
    """Whether a sentence is for testing only; the same answer on every machine."""
    return zlib.crc32(sentence.encode()) % HELD_OUT_EVERY == 0


def sentences(language: str, rng: np.random.Generator, held_out: bool = False) -> Iterator[str]:
    """Different sentences without end, every template and part equally often; when they run out they come again."""
    templates, parts = grammar(language)
    decks = {name: _shuffled(choices, rng) for name, choices in parts.items()}
    deck = _shuffled(templates, rng)
    said: set[str] = set()
    tries = 0
    while True:
        filled = re.sub(r"\{(\w+)\}", lambda slot: next(decks[slot[1]]), next(deck))
        letter = next(place for place, sign in enumerate(filled) if sign.isalpha())  # after ¿ and ¡
        sentence = filled[:letter] + filled[letter].upper() + filled[letter + 1 :]
        tries += 1
        if tries > TRIES:
            said.clear()
        if sentence not in said and is_held_out(sentence) == held_out:
            said.add(sentence)
            tries = 0
            yield sentence


def _shuffled(choices: tuple[str, ...], rng: np.random.Generator) -> Iterator[str]:
    while True:
        for index in rng.permutation(len(choices)):
            yield choices[index]
