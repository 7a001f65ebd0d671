"""Forced alignment: when each phone of a transcript is spoken, by pocketsphinx, with pauses settled from the energy.

Where a line has no text, --transcribe lets a recogniser write down its words first (`recogniser.py`, English): many
unheard voices are worth more to a student than its few mistakes cost.

    python -m model_training.align --corpus speech.tsv --out prepared/phones.tsv

One row a phone is written (phones.COLUMNS, bursts empty); utterances already in the file are not aligned again, so an
interrupted run goes on where it stopped. What was dropped, and why, is in the file beside it ending in .dropped.tsv; it
is tried again, for it may have a text by now.
"""

from __future__ import annotations

import argparse
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pocketsphinx
import soundfile
import soxr

from addon.core.audio import RATE as SAMPLE_RATE
from addon.core.errors import reason

from . import corpora, espeak, labels, languages
from .command import finish, tally, whole_number
from .labels import Labelled
from .pauses import settle_pauses
from .phones import Phone
from .recogniser import Recogniser

BIAS_S = 0.008  # pocketsphinx's times come 8 ms early against hand labels (measured on 160 utterances)
ROOM_S = 0.2  # of faint hiss before and after: without it some clean or tightly cut lines cannot be aligned
HISS = 1e-4
# An English ear is surer of English sounds: with its usual beams it gave up on 12 of 25 lines of other languages, said
# by espeak-ng. Of six lines, three of those among them, it gave up on none with these, at a sixth more time.
WIDE_BEAMS = {"beam": 1e-100, "wbeam": 1e-80, "pbeam": 1e-100}
FRAME_S = 0.01  # pocketsphinx counts in frames of 10 ms
# Acoustic scores a frame. Of right texts (four English corpora, second-language children among them) the mean lay above
# -31 and at most 19 % of the phones below -60; of wrong texts and of German under English text, at -47 to -70 and 43 to
# 67 % in long lines, at -30 to -47 and 18 to 44 % in lines of a few words.
WORST_SCORE = -40.0
MISFIT_SCORE = -60.0
MOST_MISFITS = 0.30  # of the phones


def words_of(text: str, letter: str = "[a-z0-9]") -> list[str]:
    """The words as the dictionary spells them: lower case, apostrophes kept, accents and other marks gone.

    letter: a pattern of what words are made of; the dictionary's have English letters and figures.
    """
    joined = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text.replace("’", "'"))  # 1,500 is one word
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", joined) if not unicodedata.combining(sign))
    return re.findall(rf"{letter}+(?:'{letter}+)*'?", plain.lower())


@dataclass(frozen=True)
class Fit:
    """How well a text fits its audio: the mean acoustic score a frame, and the share of phones that do not fit."""

    score: float
    misfits: float

    @property
    def doubtful(self) -> bool:
        """Whether the text is most likely not what was said."""
        return self.score < WORST_SCORE or self.misfits > MOST_MISFITS


class Aligner:
    """A pocketsphinx decoder that learns guessed pronunciations as it meets unknown words; no language is English."""

    def __init__(self, language: languages.Language | None = None) -> None:
        beams = {} if language is None else WIDE_BEAMS
        self._decoder = pocketsphinx.Decoder(lm=None, bestpath=False, loglevel="FATAL", **beams)
        self._language = language
        self._words: dict[str, str] = {}  # what espeak-ng says, to what the decoder calls it
        self._labels: dict[str, list[str]] = {}  # the phones to write for such a word

    def align(self, samples: npt.NDArray[np.float32], text: str) -> tuple[tuple[Phone, ...], Fit]:
        """Phones of the text in 16 kHz samples (N,), and how well it fits; ValueError says why it cannot be aligned."""
        words = self._spelt(text)
        if not words:
            raise ValueError("no text")
        roomy = np.pad(samples, round(ROOM_S * SAMPLE_RATE))
        roomy = roomy + HISS * np.random.default_rng(0).standard_normal(len(roomy))
        pcm = _pcm(roomy)
        try:
            self._decoder.set_align_text(" ".join(words))
            _decode(self._decoder, pcm)
            self._decoder.set_alignment()
            _decode(self._decoder, pcm)
            entries, names = [], []
            for word in self._decoder.get_alignment():
                entries += list(word)
                names += self._labels.get(word.name) or [phone.name.lower() for phone in word]
        except (RuntimeError, TypeError) as error:
            raise ValueError("the text could not be aligned to the audio") from error
        times = [e.start * FRAME_S + BIAS_S - ROOM_S for e in entries]
        phones = tuple(
            Phone(name, max(start_s, 0.0), max(start_s + e.duration * FRAME_S, 0.0))
            for name, e, start_s in zip(names, entries, times, strict=True)
        )
        spoken = [(e.score, max(e.duration, 1)) for e in entries if e.name != "SIL"] or [(0, 1)]
        scores, durations = np.array(spoken, np.float64).T
        fit = Fit(float(scores.sum() / durations.sum()), float((scores / durations < MISFIT_SCORE).mean()))
        return phones, fit

    def _spelt(self, text: str) -> list[str]:
        """The words of a text by names that the decoder knows."""
        if self._language is None:
            words = words_of(text)
            for word in words:
                self._learn(word)
            return words
        names = []
        for said in espeak.transcribe(text, self._language.voice):
            sounds = languages.sounds_of(said, self._language)
            if sounds and said not in self._words:
                self._words[said] = f"said{len(self._words)}"
                self._labels[self._words[said]] = [sound.label for sound in sounds]
                self._decoder.add_word(self._words[said], " ".join(s.heard.upper() for s in sounds), False)
            names += [self._words[said]] if sounds else []
        return names

    def _learn(self, word: str) -> None:
        if self._decoder.lookup_word(word) is None:
            phones = espeak.guess(word)
            if not phones:
                raise ValueError(f"no pronunciation for {word!r}")
            self._decoder.add_word(word, " ".join(phones), True)


def _pcm(samples: npt.NDArray[np.floating[Any]]) -> bytes:
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()


def _decode(decoder: pocketsphinx.Decoder, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


# In each worker process, since loading a model takes a while: aligners by language, and what writes down words.
_aligners: dict[str, Aligner] = {}
_recognisers: list[Recogniser] = []


def _aligner_for(tag: str) -> Aligner:
    """The aligner of a language tag; ValueError where its sounds are not known."""
    primary = tag.split("-")[0].lower()
    language = languages.language_of(tag)
    if language is None and primary != "en":
        raise ValueError(f"no table of sounds for this language ({tag})")
    spoken = language.voice if language else primary
    if spoken not in _aligners:
        _aligners[spoken] = Aligner(language)
    return _aligners[spoken]


def _words_heard(samples: npt.NDArray[np.float32]) -> str:
    if not _recognisers:
        _recognisers.append(Recogniser())
    return _recognisers[0].words(samples)


def align_utterance(utterance: corpora.Utterance, transcribe: bool = False) -> Labelled:
    """Phones of one utterance with its pauses settled, or the reason it is dropped."""
    try:
        aligner = _aligner_for(utterance.language)
        samples = read_speech(utterance.file)
        guess = transcribe and utterance.language.startswith("en")
        text = utterance.text or (_words_heard(samples) if guess else "")
        phones, fit = aligner.align(samples, text)
    except ValueError as error:
        return Labelled(utterance.path, reason=str(error))
    if fit.doubtful:
        told = f"score {fit.score:.0f}, {100 * fit.misfits:.0f} % of the phones do not fit"
        return Labelled(utterance.path, reason=f"text and audio disagree ({told})")
    return Labelled(utterance.path, settle_pauses(phones, samples))


def read_speech(file: Path) -> npt.NDArray[np.float32]:
    """A recording as 16 kHz mono, (N,); ValueError says why it cannot be read."""
    try:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        why = error.error_string if isinstance(error, soundfile.LibsndfileError) else reason(error)
        raise ValueError("missing file" if not file.exists() else f"unreadable audio ({why})") from error
    mono = samples.mean(axis=1)
    if len(mono) < 0.1 * rate:
        raise ValueError("shorter than a tenth of a second")
    if not np.isfinite(mono).all():
        raise ValueError("holds a sample that is not a number")
    return np.asarray(soxr.resample(mono, rate, SAMPLE_RATE) if rate != SAMPLE_RATE else mono, np.float32)


def align_corpus(
    utterances: Sequence[corpora.Utterance], out: Path, workers: int = 2, transcribe: bool = False
) -> Counter[str]:
    """Align what `out` does not hold yet; returns how many were kept and why others were dropped."""
    todo = labels.unwritten(utterances, out)
    with ProcessPoolExecutor(workers) as pool:
        results = pool.map(partial(align_utterance, transcribe=transcribe), todo, chunksize=4)
        outcome = labels.write(results, out, len(todo), "aligning")
    return outcome + Counter({"already aligned": len(utterances) - len(todo)})


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.align", description="Align a corpus of speech to its text.")
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus table")
    parser.add_argument("--out", type=Path, required=True, help="phone times to write, a TSV")
    parser.add_argument("--folders", nargs="*", default=(), help="only these folders of the corpus")
    parser.add_argument("--languages", nargs="*", default=("en",), help="language prefixes (default: en)")
    parser.add_argument("--limit", type=whole_number, default=0, help="at most so many lines a folder")
    parser.add_argument("--transcribe", action="store_true", help="write down the words of lines without a text")
    parser.add_argument("--workers", type=int, default=2, help="processes at once (default: 2)")
    args = parser.parse_args(argv)
    if args.workers < 1:
        parser.error("--workers must be 1 or more")

    def work() -> str:
        utterances = corpora.select(corpora.read(args.corpus), args.folders, args.languages, args.limit)
        return tally(align_corpus(utterances, args.out, args.workers, args.transcribe))

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
