"""A corpus out of nothing: sentences spoken by espeak-ng's voices, with the exact time of every phone.

    python -m model_training.synthesis --out tiny_corpus --lines 24

Writes WAV files, the corpus table speech.tsv and the phone times phones.tsv. It is what a first try and the tests train
on; a model for real voices wants real recordings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from . import corpora, espeak
from .command import finish

# Sentences of ours, rich in what lips must show: closures, lip-to-teeth, rounding, spread and open vowels.
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
VOICES = ("en-us", "en-us+f2", "en-us+m3", "en-us+f4", "en-us+m7", "en-us+f5")


def synthesise(out: Path, lines: int, seed: int = 0) -> Path:
    """Speak `lines` lines into a folder, voices, rates and pitches in turn; returns the corpus table."""
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    table, times = ["\t".join(corpora.COLUMNS)], ["path\tphone\tstart_s\tend_s"]
    for number in tqdm(range(lines), desc="speaking", unit="line", disable=None):
        text, voice = SENTENCES[number % len(SENTENCES)], VOICES[number % len(VOICES)]
        samples, rate, phones = espeak.speak(text, voice, int(rng.integers(130, 190)), int(rng.integers(30, 70)))
        path = f"{voice}/{number:04d}.wav"
        (out / voice).mkdir(exist_ok=True)
        soundfile.write(out / path, samples, rate)
        table.append(f"{path}\t{len(samples) / rate:.3f}\t{voice}\ten-US\tCC0-1.0\t{text}")
        times += [f"{path}\t{p.name}\t{p.start_s:.3f}\t{p.end_s:.3f}" for p in phones]
    (out / "phones.tsv").write_text("\n".join(times) + "\n", encoding="utf-8")
    (out / "speech.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")
    return out / "speech.tsv"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.synthesis", description="Speak a small corpus.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the corpus")
    parser.add_argument("--lines", type=int, default=24, help="how many (default: 24)")
    parser.add_argument("--seed", type=int, default=0, help="another number gives other lines")
    args = parser.parse_args(argv)

    def work() -> str:
        return f"spoken: {synthesise(args.out, args.lines, args.seed)}"

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
