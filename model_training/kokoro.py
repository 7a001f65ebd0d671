"""A corpus spoken by Kokoro, a neural synthesiser that other people publish: dozens of voices, and mixtures of them.

    python -m model_training.kokoro --model kokoro.onnx --voices voices --out spoken --languages en es it --minutes 20
    python -m model_training.kokoro --model kokoro.onnx --voices voices --out spoken_en --texts speech.tsv --minutes 20

Writes recordings, a folder for each language, and the corpus table speech.tsv. When each phone sounds it does not
know: model_training.align does. It is optional, and none of it lies here (Kokoro-82M, Apache 2.0): the model is an ONNX
file that takes tokens, style and speed; the voices are a folder of .bin files, float32 (510, 256), a style for each
count of tokens. In English its voices speak texts of another corpus too.

Each line is by somebody who is nowhere else: the sound of the voice (the first half of a style, which the model's
decoder takes) and the manner (the second, which its predictor of pitch and times takes) are drawn apart, each a mixture
of voices that is carried away from the mean of all voices, so it is also stranger than any of them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import soxr
from tqdm import tqdm

from addon.core.audio import RATE as SAMPLE_RATE
from addon.core.errors import quoted

from . import corpora, espeak
from .command import finish, tally
from .corpora import CorpusError
from .sentences import sentences
from .synthesis import SPEECH
from .whole import write_sound, write_whole

RATE = 24_000
LICENCE = "Apache-2.0"
STYLE = 256
TIMBRE = 128  # of a style's numbers: how the voice sounds; the others are how it speaks
MOST_TOKENS = 509  # of a line: a voice has a style for each count from none on
# Kokoro's tokens, by the letters of espeak-ng's IPA that it knows.
TOKENS = {
    ";": 1, ":": 2, ",": 3, ".": 4, "!": 5, "?": 6, " ": 16, "\u0303": 17, "a": 43, "b": 44, "c": 45, "d": 46, "e": 47,
    "f": 48, "h": 50, "i": 51, "j": 52, "k": 53, "l": 54, "m": 55, "n": 56, "o": 57, "p": 58, "q": 59, "r": 60, "s": 61,
    "t": 62, "u": 63, "v": 64, "w": 65, "x": 66, "y": 67, "z": 68, "ɑ": 69, "ɐ": 70, "ɒ": 71, "æ": 72, "β": 75,
    "ɔ": 76, "ɕ": 77, "ç": 78, "ð": 81, "ə": 83, "ɚ": 85, "ɛ": 86, "ɜ": 87, "ɟ": 90, "ɡ": 92, "ɥ": 99, "ɨ": 101,
    "ɪ": 102, "ʝ": 103, "ɯ": 110, "ŋ": 112, "ɲ": 114, "ø": 116, "θ": 119, "œ": 120, "ɹ": 123, "ɾ": 125, "ʁ": 128,
    "ʃ": 131, "ʊ": 135, "ʋ": 136, "ʌ": 138, "ɣ": 139, "χ": 142, "ʎ": 143, "ʒ": 147, "ʔ": 148, "ˈ": 156, "ˌ": 157,
    "ː": 158, "ʰ": 162, "ʲ": 164, "ᵻ": 177,
}  # fmt: skip
# How espeak-ng calls the accent by the first letter of a Kokoro voice's name, and the accent's BCP 47 tag.
ACCENTS = {
    "en": {"a": ("en-us", "en-US"), "b": ("en", "en-GB")}, "es": {"e": ("es", "es-ES")},
    "fr": {"f": ("fr", "fr-FR")}, "it": {"i": ("it", "it-IT")}, "pt": {"p": ("pt-br", "pt-BR")},
}  # fmt: skip
OWN = 0.8  # share of the lines that a voice of the language leads, not any voice
PURE = 0.25  # share of the lines that one voice speaks alone
LEADS = (1.5, 1.0, 0.6)  # of a mixture: how much each of three voices counts, as a Dirichlet distribution has it
# How far from the mean of all voices somebody is, where the mixture itself is 1. Base 9, which learnt from voices at 1,
# scores 94.7 on 16 lines at 1, 91.3 at 1.5 and 88.9 at 2, where the aligner still follows 15 of the 16.
FAR = (1.0, 2.0)
SPEEDS = (0.8, 1.25)
PEAKS = (0.2, 0.7)
WORDS = (12, 30)  # of a line at least, and of a text that is borrowed for one at most


@dataclass(frozen=True)
class Kokoro:
    """The synthesiser: its model, and each voice's styles (N, 256) by name."""

    session: onnxruntime.InferenceSession
    voices: dict[str, npt.NDArray[np.float32]] = field(repr=False)

    @classmethod
    def load(cls, model: Path, voices: Path) -> Kokoro:
        """Reads both; a CorpusError says which cannot be used."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own have no common base
            raise CorpusError(f"cannot use {quoted(model)} as Kokoro's model: give its ONNX file") from error
        if {one.name for one in session.get_inputs()} != {"tokens", "style", "speed"}:
            raise CorpusError(f"{quoted(model)} is another model than Kokoro's: that one takes tokens, style and speed")
        styles = {}
        for file in sorted(voices.glob("[!.]*.bin")):
            numbers = np.fromfile(file, "<f4")
            if len(numbers) <= MOST_TOKENS * STYLE or len(numbers) % STYLE:
                raise CorpusError(f"{quoted(file)} is no voice of Kokoro's: those have 510 styles of 256 numbers")
            styles[file.stem] = numbers.reshape(-1, STYLE)
        if not styles:
            raise CorpusError(f"the folder {quoted(voices)} holds no voices: .bin files, such as af_heart.bin")
        return cls(session, styles)

    def say(self, text: str, accent: str, timbre: Mixture, manner: Mixture, speed: float) -> npt.NDArray[np.float32]:
        """Samples at 16 kHz (N,), in the sound of one mixture and the manner of another."""
        tokens = tokens_of(text, accent)
        sound, way = (one.style(self.voices, len(tokens)) for one in (timbre, manner))
        style = np.concatenate([sound[:TIMBRE], way[TIMBRE:]])
        numbers = {"style": np.array([style], np.float32), "speed": np.array([speed], np.float32)}
        [samples] = self.session.run(None, {"tokens": [[0, *tokens, 0]], **numbers})
        return np.asarray(soxr.resample(np.ravel(samples), RATE, SAMPLE_RATE), np.float32)


@dataclass(frozen=True)
class Mixture:
    """Voices by their shares of one, and how far from the mean of all voices their mean is carried (1: not at all)."""

    shares: dict[str, float]
    far: float = 1.0

    @classmethod
    def draw(cls, leads: Sequence[str], everybody: Sequence[str], rng: np.random.Generator) -> Mixture:
        """One of the leads, alone or with up to two of everybody."""
        names = [group[rng.integers(len(group))] for group in (leads, everybody, everybody)]
        shares = np.eye(len(names))[0] if rng.random() < PURE else rng.dirichlet(LEADS)
        drawn = dict.fromkeys(names, 0.0)
        for name, share in zip(names, shares, strict=True):
            drawn[name] += float(share)  # the same may be drawn twice
        return cls(drawn, float(rng.uniform(*FAR)))

    @property
    def lead(self) -> str:
        """The voice whose language it has."""
        return next(iter(self.shares))

    def style(self, voices: dict[str, npt.NDArray[np.float32]], tokens: int) -> npt.NDArray[np.float32]:
        """The style (256,) for a line of so many tokens."""
        mean = np.mean([styles[tokens] for styles in voices.values()], axis=0)
        mixed = sum(share * voices[name][tokens] for name, share in self.shares.items())
        return np.asarray(mean + self.far * (mixed - mean), np.float32)

    def __str__(self) -> str:
        told = "+".join(f"{name}{share:.2f}" for name, share in self.shares.items() if share > 0)
        return f"{told}@{self.far:.2f}"


def tokens_of(text: str, accent: str) -> list[int]:
    """What Kokoro reads for a text in one of espeak-ng's accents, cut to as much as it can say at once."""
    spoken = ""
    for part in re.split(r"([,.;:!?]+)", text):
        spoken += part[:1] + " " if re.match(r"[,.;:!?]", part) else " ".join(espeak.transcribe(part, accent))
    return [TOKENS[letter] for letter in spoken.strip() if letter in TOKENS][:MOST_TOKENS]


def speak(
    kokoro: Kokoro, out: Path, language: str, texts: Iterator[str], minutes: float, rng: np.random.Generator
) -> list[tuple[str, ...]]:
    """Speaks so many minutes of a language into a folder of its own; returns the rows of its corpus table."""
    accents, everybody = ACCENTS[language], sorted(kokoro.voices)
    own = [name for name in everybody if name[0] in accents]
    if not own:
        raise CorpusError(f"no voice here is of the language {language!r}: their names begin with {', '.join(accents)}")
    folder, spoken_s = f"kokoro_{language}", 0.0
    rows: list[tuple[str, ...]] = []
    (out / folder).mkdir(parents=True, exist_ok=True)
    with tqdm(total=round(minutes * 60), desc=folder, unit="s", disable=None) as bar:
        while spoken_s < minutes * 60:
            leads = own if rng.random() < OWN else everybody
            timbre, manner = (Mixture.draw(leads, everybody, rng) for _ in range(2))
            accent, tag = accents.get(manner.lead[0], next(iter(accents.values())))
            text = _long_enough(texts)
            samples = kokoro.say(text, accent, timbre, manner, float(np.exp(rng.uniform(*np.log(SPEEDS)))))
            samples *= rng.uniform(*PEAKS) / max(float(np.abs(samples).max(initial=0.0)), 1e-4)
            path, seconds = f"{folder}/{len(rows):05d}.flac", len(samples) / SAMPLE_RATE
            write_sound(out / path, samples, SAMPLE_RATE, "PCM_16")
            rows.append((path, f"{seconds:.3f}", f"kokoro-{timbre}-{manner}", tag, LICENCE, text))
            spoken_s += seconds
            bar.update(round(seconds))
    return rows


def _long_enough(texts: Iterator[str]) -> str:
    """As many texts as make a line."""
    words: list[str] = []
    while len(words) < WORDS[0]:
        words += next(texts).split()
    return " ".join(words)


def _texts_of(table: Path, folders: Sequence[str], rng: np.random.Generator) -> Iterator[str]:
    """The English texts of a corpus in any order, without end."""
    lines = corpora.select(corpora.read(table), folders, ["en"])
    texts = sorted({one.text for one in lines if 0 < len(one.text.split()) <= WORDS[1]})
    if not texts:
        raise CorpusError(f"{quoted(table)} has no English texts of at most {WORDS[1]} words in what was chosen of it")
    while True:
        yield from (texts[place] for place in rng.permutation(len(texts)))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.kokoro", description="Speak a corpus with Kokoro's voices.")
    parser.add_argument("--model", type=Path, required=True, help="Kokoro-82M as ONNX")
    parser.add_argument("--voices", type=Path, required=True, help="folder of its voices, a .bin file each")
    parser.add_argument("--out", type=Path, required=True, help="folder for the corpus")
    parser.add_argument("--languages", nargs="+", default=["en"], choices=ACCENTS)
    parser.add_argument("--minutes", type=float, default=10.0, help="to speak in each language (default: 10)")
    parser.add_argument("--texts", type=Path, help="a corpus table whose English texts are said instead of ours")
    parser.add_argument("--folders", nargs="+", default=[], help="of --texts, those to be learnt (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="another number gives other lines")
    args = parser.parse_args(argv)
    if not args.minutes > 0:
        parser.error("--minutes must be above 0")
    if args.folders and args.texts is None:
        parser.error("--folders choose from --texts")

    def work() -> str:
        kokoro = Kokoro.load(args.model, args.voices)
        rows: list[tuple[str, ...]] = []
        for number, language in enumerate(args.languages):
            rng = np.random.default_rng([args.seed, number])
            borrowed = language == "en" and args.texts is not None
            texts = _texts_of(args.texts, args.folders, rng) if borrowed else sentences(language, rng)
            rows += speak(kokoro, args.out, language, texts, args.minutes, rng)
        table = ["\t".join(row) + "\n" for row in (corpora.COLUMNS, *rows)]
        write_whole(args.out / SPEECH, "".join(table))
        return tally(Counter(row[0].split("/")[0] for row in rows))

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
