"""A corpus out of nothing: sentences spoken by synthesisers, with the exact time of every phone.

    python -m model_training.synthesis --out tiny_corpus
    python -m model_training.synthesis --out corpus --minutes 20 --languages en es fr --synthesisers espeak flite
    python -m model_training.synthesis --out test_corpus --minutes 3 --languages en es fr --held-out

Writes recordings, the corpus table speech.tsv and the phone times phones.tsv, as model_training.align would. The first
line makes the small corpus that a first try and the tests train on. The second makes one to train on beside real
recordings, its minutes counted for each language and each of flite's voices; the third one to test on, of sentences
and voices that the second never uses. The same seed has the same said by the same voices; espeak-ng's flutter differs.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, cycle
from pathlib import Path

import numpy as np
from tqdm import tqdm

from addon.core.audio import RATE as SAMPLE_RATE

from . import corpora, voices
from .command import finish, tally
from .phones import HEADER, Phone, rows_of_table
from .sentences import sentences
from .whole import write_sound, write_whole

SPEECH, PHONES = "speech.tsv", "phones.tsv"
LICENCE = "CC0-1.0"  # the sentences are ours

# For the small corpus: sentences of ours, rich in what lips must show, and a few voices, one of them to test on.
SENTENCES = (
    "Bob and Mabel put a pebble by the pump.", "Five brave fish never leave the river.",
    "We would wash one wool shirt a week.", "She sees the cheese he keeps in the freezer.",
    "My mother made warm apple pie for me.", "Do you know who threw the blue shoe?",
    "Father parked far from the calm harbour.", "The boy enjoyed a noisy toy.",
    "Please be patient, I am almost home.", "Vivid violets fill the valley in spring.",
    "Maybe a bubble will pop above the tub.", "How now, said the loud brown cow.",
    "Few people favour the view from above.", "Peter picked a purple plum from the branch.",
    "It is easy to see these green leaves.", "Judge George chose a huge orange cage.",
)  # fmt: skip
VOICES = tuple(voices.Voice("espeak", "en-US", "en-us", name) for name in ("", "f2", "m3", "f4", "m7", "f5"))


@dataclass(frozen=True)
class Line:
    """One line to speak: the folder of its recording, and who says what and how."""

    folder: str
    voice: voices.Voice
    text: str
    manner: voices.Manner


@dataclass(frozen=True)
class Collection:
    """A folder of a corpus, filled up to so many lines or minutes by voices that take turns."""

    folder: str
    language: str
    voices: Sequence[voices.Voice]


def synthesise(out: Path, lines: int, seed: int = 0) -> Path:
    """Speak the small corpus, `lines` lines, voices and sentences in turn; returns the corpus table."""
    rng = np.random.default_rng(seed)

    def small() -> Iterator[Line]:
        for number in range(lines):
            voice = VOICES[number % len(VOICES)]
            manner = voices.Manner(int(rng.integers(130, 190)), int(rng.integers(30, 70)), before_s=0.05, after_s=0.1)
            yield Line(voice.espeak_name, voice, SENTENCES[number % len(SENTENCES)], manner)

    _write_tables(out, _speak(out, small()))
    return out / SPEECH


def collections(languages: Sequence[str], synthesisers: Sequence[str], held_out: bool = False) -> list[Collection]:
    """The collections of a corpus: espeak-ng's voices of a language are one, each of flite's voices is one."""
    wanted = []
    for language in languages:
        for synthesiser in synthesisers:
            chosen = voices.choose(language, synthesiser, held_out)
            if synthesiser == "espeak":
                wanted.append(Collection(f"espeak_{language}", language, chosen))
            else:
                wanted += [Collection(f"flite_{one.variant}", language, [one]) for one in chosen]
    return wanted


def speak_corpus(
    out: Path, wanted: Sequence[Collection], minutes: float, held_out: bool = False, seed: int = 0
) -> Counter[str]:
    """Speak so many minutes of every collection into a folder; returns how many lines each one got."""
    drawn = [_drawn(one, held_out, np.random.default_rng([seed, n, held_out])) for n, one in enumerate(wanted)]
    return _write_tables(out, chain.from_iterable(_speak(out, lines, minutes) for lines in drawn))


def _drawn(wanted: Collection, held_out: bool, rng: np.random.Generator) -> Iterator[Line]:
    """Lines of a collection without end, every voice equally often."""
    turns = cycle([wanted.voices[index] for index in rng.permutation(len(wanted.voices))])
    for voice, text in zip(turns, sentences(wanted.language, rng, held_out), strict=False):
        yield Line(wanted.folder, voice, text, voices.draw_manner(rng))


def _speak(out: Path, lines: Iterable[Line], minutes: float = 0.0) -> Iterator[tuple[tuple[str, ...], Sequence[Phone]]]:
    """Every line, written to its folder: its row of the corpus table and its phones; ends after `minutes`, if any."""
    spoken_s = 0.0
    for number, line in enumerate(lines):
        samples, phones = voices.say(line.voice, line.text, line.manner)
        (out / line.folder).mkdir(parents=True, exist_ok=True)
        path = f"{line.folder}/{number:05d}.flac"
        write_sound(out / path, samples, SAMPLE_RATE, "PCM_16")
        seconds = len(samples) / SAMPLE_RATE
        yield (path, f"{seconds:.3f}", line.voice.speaker, line.voice.tag, LICENCE, line.text), phones
        spoken_s += seconds
        if minutes and spoken_s >= 60 * minutes:
            return


def _write_tables(out: Path, spoken: Iterable[tuple[tuple[str, ...], Sequence[Phone]]]) -> Counter[str]:
    """Both tables, when all is spoken: a corpus that was interrupted has none. Returns the lines of each folder."""
    table, times = ["\t".join(corpora.COLUMNS) + "\n"], [HEADER]
    outcome: Counter[str] = Counter()
    for row, phones in tqdm(spoken, desc="speaking", unit="line", disable=None):
        table.append("\t".join(row) + "\n")
        times.append(rows_of_table(row[0], phones))
        outcome[row[0].split("/")[0]] += 1
    for name, rows in ((PHONES, times), (SPEECH, table)):
        write_whole(out / name, "".join(rows))
    return outcome


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.synthesis", description="Speak a corpus.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the corpus")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--lines", type=int, default=24, help="how many lines the small corpus has (default: 24)")
    much.add_argument("--minutes", type=float, help="speak a large one instead, so many minutes a collection")
    parser.add_argument("--languages", nargs="+", default=["en"], help=f"of {', '.join(voices.ACCENTS)} (default: en)")
    parser.add_argument("--synthesisers", nargs="+", default=["espeak"], choices=voices.SYNTHESISERS)
    parser.add_argument("--held-out", action="store_true", help="sentences and voices that are for testing only")
    parser.add_argument("--seed", type=int, default=0, help="another number gives other lines")
    args = parser.parse_args(argv)
    if (args.lines if args.minutes is None else args.minutes) <= 0:
        parser.error("--lines and --minutes must be above 0")

    def work() -> str:
        if args.minutes is None:
            return f"spoken: {synthesise(args.out, args.lines, args.seed)}"
        wanted = collections(args.languages, args.synthesisers, args.held_out)
        return tally(speak_corpus(args.out, wanted, args.minutes, args.held_out, args.seed))

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
