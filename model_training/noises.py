"""What is heard beside the speech that is measured: a band, a fan, a cheap preamplifier, other people.

Every noise is a function of (count, rng, crowd, speaker) and gives (count,) at any level. None is made as the training
makes its own (dataset.py).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.signal

from addon.core.audio import RATE
from addon.core.errors import quoted

from .align import read_speech
from .corpora import CorpusError, Utterance

Floats = npt.NDArray[np.float32]
VOICES_AT_ONCE = 6
CROWD = 120  # lines that other voices are drawn from, at most
FRAME = RATE // 50


@dataclass(frozen=True)
class Crowd:
    """Recordings that other people's voices are taken from: (speaker, file) each."""

    members: tuple[tuple[str, Path], ...] = ()

    @classmethod
    def of(cls, utterances: Sequence[Utterance]) -> Crowd:
        """At most CROWD lines of these, one a speaker before any speaker's second."""
        turn: dict[str, int] = {}
        ranked = []
        for utterance in utterances:
            turn[utterance.speaker] = turn.get(utterance.speaker, -1) + 1
            ranked.append((turn[utterance.speaker], zlib.crc32(utterance.path.encode()), utterance))
        ranked.sort(key=lambda one: one[:2])
        return cls(tuple((one.speaker, one.file) for _, _, one in ranked[:CROWD]))

    def others(self, but: str) -> list[Path]:
        """The recordings of everybody but one; too few to talk at once are an error."""
        others = [file for speaker, file in self.members if speaker != but]
        if len(others) < VOICES_AT_ONCE:
            raise CorpusError(
                f"other voices need {VOICES_AT_ONCE} lines of other speakers than {but!r}, and the corpus has "
                f"{len(others)}: add recordings, or name --conditions without babble"
            )
        return others

    def talk(self, count: int, rng: np.random.Generator, but: str) -> Floats:
        """VOICES_AT_ONCE people other than `but` at one level each, (count,)."""
        others = self.others(but)
        mixed = np.zeros(count, np.float32)
        for pick in rng.choice(len(others), VOICES_AT_ONCE, replace=False):
            voice = read(others[pick])
            start = int(rng.integers(len(voice)))
            mixed += np.resize(np.roll(voice, -start), count) / speech_level(voice)
        return mixed


def read(file: Path) -> Floats:
    """A recording as 16 kHz mono, (N,); one that cannot be read is an error that names it."""
    try:
        return read_speech(file)
    except ValueError as error:
        raise CorpusError(f"cannot use the recording {quoted(file)}: {error}") from error


def speech_level(samples: Floats) -> float:
    """Root mean square of what is spoken: of the 20 ms frames within 30 dB of the loud ones."""
    power = (samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME) ** 2).mean(axis=1)
    if not len(power):
        return 1e-5
    spoken = power[power >= np.percentile(power, 95) * 1e-3]
    return float(np.sqrt(spoken.mean())) + 1e-5


def music(count: int, rng: np.random.Generator, _crowd: Crowd = Crowd(), _speaker: str = "") -> Floats:
    """A band that nobody has heard before: four chords on a pad, a bass, a plucked tune and drums."""
    beat_s = 60 / rng.uniform(84, 132)
    root_hz = 220 * 2 ** (rng.integers(-5, 7) / 12)
    third = int(rng.choice([3, 4]))
    roots = rng.choice([0, 3, 5, 7, 8, 10], 4)
    band = np.zeros(count + RATE, np.float64)
    for beat in range(int(count / RATE / beat_s) + 1):
        at = round(beat * beat_s * RATE)
        degree = int(roots[beat // 4 % 4])
        if beat % 4 == 0:
            for interval in (0, third, 7):
                _play(band, at, _note(root_hz * 2 ** ((degree + interval) / 12), 4 * beat_s, 0.05, 1.2, 8), 0.5)
        _play(band, at, _note(root_hz / 4 * 2 ** (degree / 12), beat_s, 0.01, 0.6, 4), 1.0)
        for half in (0.0, 0.5):
            if rng.random() < 0.7:
                step = int(rng.choice([0, third, 7, 10, 12, 14]))
                pluck = _note(2 * root_hz * 2 ** ((degree + step) / 12), 0.6, 0.004, 0.15, 10)
                _play(band, at + round(half * beat_s * RATE), pluck, 0.8)
            _play(band, at + round(half * beat_s * RATE), _hit(rng, 0.03, 6000), 0.3)
        _play(band, at, _kick() if beat % 2 == 0 else _hit(rng, 0.12, 1500), 1.0)
    return band[:count].astype(np.float32)


def _play(band: npt.NDArray[np.float64], at: int, sound: npt.NDArray[np.float64], gain: float) -> None:
    room = max(min(len(sound), len(band) - at), 0)
    band[at : at + room] += gain * sound[:room]


def _note(hertz: float, seconds: float, attack_s: float, decay_s: float, partials: int) -> npt.NDArray[np.float64]:
    t = np.arange(round(seconds * RATE)) / RATE
    tone = sum(
        np.sin(2 * np.pi * k * hertz * (1 + 0.0004 * k * k) * t) / k for k in range(1, partials + 1) if k * hertz < 7500
    )
    end = np.minimum((seconds - t) / 0.02, 1)
    return np.asarray(tone * np.minimum(t / attack_s, 1) * np.exp(-t / decay_s) * end)


def _kick() -> npt.NDArray[np.float64]:
    t = np.arange(round(0.18 * RATE)) / RATE
    return np.sin(2 * np.pi * (50 * t - 4 * np.exp(-t / 0.03))) * np.exp(-t / 0.06)


def _hit(rng: np.random.Generator, decay_s: float, above_hz: float) -> npt.NDArray[np.float64]:
    t = np.arange(round(4 * decay_s * RATE)) / RATE
    high = scipy.signal.butter(2, above_hz, "highpass", fs=RATE, output="sos")
    return np.asarray(scipy.signal.sosfilt(high, rng.standard_normal(len(t))) * np.exp(-t / decay_s))


def fan(count: int, rng: np.random.Generator, _crowd: Crowd = Crowd(), _speaker: str = "") -> Floats:
    """Pink noise that a blade chops a little, over the motor's hum and its harmonics."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20))
    air = np.fft.irfft(spectrum, count)
    t = np.arange(count) / RATE
    blade_hz, mains_hz = rng.uniform(20, 90), float(rng.choice([50, 60]))
    air *= (1 + 0.25 * np.sin(2 * np.pi * blade_hz * t)) / air.std()
    hum = sum(np.sin(2 * np.pi * (k * mains_hz * t + rng.random())) / k for k in range(1, 9))
    return np.asarray(air + 0.4 * hum, np.float32)


def hiss(count: int, rng: np.random.Generator, _crowd: Crowd = Crowd(), _speaker: str = "") -> Floats:
    """White noise, as a cheap preamplifier makes it."""
    return rng.standard_normal(count, np.float32)


def babble(count: int, rng: np.random.Generator, crowd: Crowd, speaker: str) -> Floats:
    """Six other people talking."""
    return crowd.talk(count, rng, speaker)


Noise = Callable[[int, np.random.Generator, Crowd, str], Floats]
NOISES: dict[str, Noise] = {"music": music, "babble": babble, "fan": fan, "hiss": hiss}
