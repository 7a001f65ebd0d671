"""The voices that can speak a synthetic corpus, and the manner in which each sentence is said, drawn from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from addon.core.audio import RATE as SAMPLE_RATE

from . import espeak, flite
from .corpora import CorpusError
from .phones import Phone

SYNTHESISERS = ("espeak", "flite")
# What espeak-ng calls the accents of each language, and their BCP 47 tags.
ACCENTS = {
    "en": {"en-us": "en-US"},
    "de": {"de": "de-DE"},
    "es": {"es": "es-ES", "es-419": "es-419"},
    "fr": {"fr": "fr-FR", "fr-be": "fr-BE", "fr-ch": "fr-CH"},
    "it": {"it": "it-IT"},
    "pt": {"pt-br": "pt-BR", "pt": "pt-PT"},
    "pl": {"pl": "pl-PL"},
}
# espeak-ng's variants that could be people; robots and demons are left out, and so are voices with an echo, whose
# closures are not silent.
VARIANTS = tuple(
    "m1 m3 m4 m5 m6 m7 m8 adam Alex Andy Denis Gene Lee Mario Michael Reed antonio benjamin boris caleb david ed "
    "edward grandpa gustave ian iven john max norbert paul pedro quincy rob robert sandro travis victor zac klatt "
    "klatt2 klatt3 f1 Andrea Annie anika aunty belinda grandma linda steph steph2 whisper".split()
)
HELD_OUT_VARIANTS = ("m4", "m8", "Denis", "david", "pedro", "travis", "klatt2", "Annie", "linda", "steph2")
TRACTS = (0.9, 1.14)  # of flite's three voices, how much shorter a throat is made, so that they are more than three
WORDS_A_MINUTE = (125, 215)
LEAD_S = (0.05, 0.5)  # silence before and after


@dataclass(frozen=True)
class Voice:
    """One voice of one synthesiser: accent is what espeak-ng calls it, variant who speaks."""

    synthesiser: str
    tag: str
    accent: str
    variant: str

    @property
    def espeak_name(self) -> str:
        """What espeak-ng calls the voice, as in fr+m3."""
        return f"{self.accent}+{self.variant}" if self.variant else self.accent

    @property
    def speaker(self) -> str:
        """The name that a corpus gives the voice."""
        return "-".join(filter(None, (self.synthesiser, self.accent, self.variant)))


@dataclass(frozen=True)
class Manner:
    """How one sentence is said: pace, espeak-ng's pitch and liveliness (0 to 100), flite's throat, silences."""

    words_a_minute: int
    pitch: int
    pitch_range: int = 50
    tract: float = 1.0
    before_s: float = 0.0
    after_s: float = 0.0


def draw_manner(rng: np.random.Generator) -> Manner:
    """A manner of speaking within what people do."""
    before_s, after_s = rng.uniform(*LEAD_S, 2)
    return Manner(
        int(rng.integers(*WORDS_A_MINUTE)), int(rng.integers(25, 76)), int(rng.integers(20, 81)),
        float(rng.uniform(*TRACTS)), float(before_s), float(after_s),
    )  # fmt: skip


def choose(language: str, synthesiser: str, held_out: bool = False) -> list[Voice]:
    """The voices of a synthesiser for a language, those for testing or the others; flite speaks English only.

    flite has three voices in all: they speak both parts.
    """
    if synthesiser == "flite":
        return [Voice("flite", "en-US", "", name) for name in flite.VOICES] if language == "en" else []
    if language not in ACCENTS:
        raise CorpusError(f"no voice speaks the language {language!r}: there are voices for {', '.join(ACCENTS)}")
    variants = [name for name in VARIANTS if (name in HELD_OUT_VARIANTS) == held_out]
    return [Voice("espeak", tag, accent, name) for accent, tag in ACCENTS[language].items() for name in variants]


def say(voice: Voice, text: str, manner: Manner) -> tuple[npt.NDArray[np.float32], tuple[Phone, ...]]:
    """Samples at 16 kHz (N,), between two silences, and the exact times of all phones in them."""
    if voice.synthesiser == "flite":
        mean_pace = sum(WORDS_A_MINUTE) / 2
        samples, rate, phones = flite.speak(text, voice.variant, manner.tract * mean_pace / manner.words_a_minute)
        shrunk = manner.tract  # the samples go by so much faster
    else:
        pace, pitch, liveliness = manner.words_a_minute, manner.pitch, manner.pitch_range
        samples, rate, phones = espeak.speak(text, voice.espeak_name, pace, pitch, liveliness)
        shrunk = 1.0
    samples = np.asarray(soxr.resample(samples, rate * shrunk, SAMPLE_RATE), np.float32)
    duration_s = len(samples) / SAMPLE_RATE
    timed = [_at(phone, 1 / shrunk, manner.before_s) for phone in phones]
    silences = [round(seconds * SAMPLE_RATE) for seconds in (manner.before_s, manner.after_s)]
    whole_s = manner.before_s + duration_s + manner.after_s
    return np.pad(samples, silences), _within_silence(timed, whole_s)


def _at(phone: Phone, scale: float, offset_s: float) -> Phone:
    burst_s = None if phone.burst_s is None else phone.burst_s * scale + offset_s
    return Phone(phone.name, phone.start_s * scale + offset_s, phone.end_s * scale + offset_s, burst_s)


def _within_silence(phones: Sequence[Phone], duration_s: float) -> tuple[Phone, ...]:
    """The phones with their first and last pauses reaching to both ends."""
    spoken = [place for place, phone in enumerate(phones) if phone.name != "sil"]
    if not spoken:
        return (Phone("sil", 0.0, duration_s),)
    said = phones[spoken[0] : spoken[-1] + 1]
    return (Phone("sil", 0.0, said[0].start_s), *said, Phone("sil", said[-1].end_s, duration_s))
