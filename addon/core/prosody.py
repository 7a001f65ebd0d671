"""How a line is said: where its phrases, its accents and its high notes lie; the layers above the mouth follow it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from .acoustics import AUDIBLE_DB, MIN_PITCH_HZ
from .curves import Array, Doubles, Mask, Rows, blurred
from .model import RATE

Moments = Doubles  # in seconds, as a rule
Scalar = TypeVar("Scalar", bound=np.generic)

QUIET_DB = -50.0  # below this nothing counts as said, but for a take that was recorded low:
QUIET_BELOW_VOICE_DB = 25.0  # there it lies so far below the voice
VOICE_SHARE = 0.1  # of what is audible has a steady pitch, if there is a voice: 0.35 and more of speech, 0.04 of noise
VOICE_SPREAD_ST = 0.5  # standard deviation; a hum has none, read speech 3.3
SPEECH_BELOW_PEAK_DB = 32.0  # speech lies within this of the loud parts of the take,
NOISE_PERCENTILE, OVER_NOISE_DB = 3, 6.0  # and over the room's noise by this,
LEAST_RANGE_DB = 15.0  # which lies at least this far below them, or it is speech without a pause
PAUSE_S = 0.27  # shorter gaps do not end a phrase
STEADY_ROWS = 5  # a pitch must hold for most of 0.1 s to count
FAINTEST_ACCENT = 0.25
ACCENT_GAP_S = 0.25  # stressed syllables come about four a second at most
ACCENT_WIDTH_S = 0.06  # standard deviation; a syllable's nucleus


@dataclass(frozen=True)
class Prosody:
    """Loudness in dB of full scale, pitch in Hz (0 where unvoiced) and spectral tilt, each (T,); row t at t / rate s.

    The tilt is how many dB the band from 1 to 5 kHz lies over that below: effort raises it. 0 where nothing is
    audible; it may be left out (then it is empty).
    """

    loudness_db: Array
    pitch_hz: Array
    rate: float = RATE
    tilt_db: Array = field(default_factory=lambda: np.zeros(0, np.float32))

    def __post_init__(self) -> None:
        if self.loudness_db.shape != self.pitch_hz.shape or self.pitch_hz.ndim != 1:
            raise ValueError(f"loudness {self.loudness_db.shape} and pitch {self.pitch_hz.shape}: need (T,) twice")
        if self.tilt_db.shape not in (self.pitch_hz.shape, (0,)):
            raise ValueError(f"tilt {self.tilt_db.shape} and pitch {self.pitch_hz.shape}: need (T,) twice")

    @property
    def duration_s(self) -> float:
        """Seconds from the first row to one step after the last."""
        return len(self.pitch_hz) / self.rate

    # Every layer asks for these, and a live preview asks again at every step of a slider: worked out once.
    @cached_property
    def _quiet_db(self) -> float:
        return _quiet_db(self)

    @cached_property
    def _speech(self) -> Mask:
        return _frozen(_speech_mask(self))

    @cached_property
    def _relative_pitch(self) -> Array:
        return _frozen(_relative_pitch(self))

    @cached_property
    def _accents(self) -> tuple[Moments, Moments]:
        times_s, strengths = _accents(self)
        return _frozen(times_s), _frozen(strengths)


def _frozen(values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    values.flags.writeable = False  # it is shared
    return values


def gather(rows: list[Array]) -> Prosody:
    """The prosody of a whole take from its windows' rows, each (T, 3)."""
    table = np.concatenate(rows) if rows else np.zeros((0, 3), np.float32)
    loudness, pitch, tilt = np.ascontiguousarray(table.T)
    return Prosody(loudness, pitch, tilt_db=tilt)


def speech_mask(prosody: Prosody) -> Mask:
    """Where somebody speaks, (T,): near the take's loud parts in level, pauses under PAUSE_S bridged."""
    return prosody._speech


def _speech_mask(prosody: Prosody) -> Mask:
    loudness, quiet_db = prosody.loudness_db, prosody._quiet_db
    if not (loudness > quiet_db).any():
        return np.zeros(len(loudness), np.bool_)
    loud = np.percentile(loudness[loudness > quiet_db], 95)
    mask = loudness > max(loud - SPEECH_BELOW_PEAK_DB, quiet_db, _over_noise_db(loudness, loud))
    starts, ends = runs(mask)
    is_click = ends - starts == 1  # such as where a file with a direct current begins
    mask[starts[is_click]] = False
    starts, ends = starts[~is_click], ends[~is_click]
    bridged: Mask = mask.copy()
    longest = round(PAUSE_S * prosody.rate)
    for end, start in zip(ends[:-1], starts[1:], strict=True):
        if start - end <= longest:
            bridged[end:start] = True
    return bridged


def _quiet_db(prosody: Prosody) -> float:
    """The level below which nothing counts as said: of a low take it follows the voice, if there is one."""
    steady = _steady(prosody.pitch_hz)
    voiced = steady > 0
    if voiced.sum() <= VOICE_SHARE * (prosody.loudness_db > AUDIBLE_DB).sum():
        return QUIET_DB
    if np.std(12 * np.log2(steady[voiced])) < VOICE_SPREAD_ST:
        return QUIET_DB
    voice_db = float(np.percentile(prosody.loudness_db[voiced], 95))
    return float(np.clip(voice_db - QUIET_BELOW_VOICE_DB, AUDIBLE_DB, QUIET_DB))


def _over_noise_db(loudness_db: Array, loud_db: float) -> float:
    """What speech is louder than if the quietest rows are a room's noise; silence that was put there is none."""
    noise_db = np.percentile(loudness_db[loudness_db > AUDIBLE_DB], NOISE_PERCENTILE)
    return min(float(noise_db) + OVER_NOISE_DB, loud_db - LEAST_RANGE_DB)


def phrases(prosody: Prosody) -> Array:
    """Start and end of every phrase in seconds, (P, 2)."""
    starts, ends = runs(speech_mask(prosody))
    return np.stack([starts, ends], axis=1).astype(np.float32) / np.float32(prosody.rate)


def runs(mask: Mask) -> tuple[Rows, Rows]:
    """First and one-past-last rows of every stretch that is true, each (P,)."""
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def accents(prosody: Prosody) -> tuple[Moments, Moments]:
    """Stressed moments in seconds and how strong each is, 0..1, both (K,): peaks of loudness and pitch, half each."""
    return prosody._accents


def _accents(prosody: Prosody) -> tuple[Moments, Moments]:
    mask = speech_mask(prosody)
    if mask.sum() < 3:
        return np.zeros(0), np.zeros(0)
    loud = prosody.loudness_db
    usual_db, high_db = np.percentile(loud[mask], (50, 95))
    louder = np.clip((loud - usual_db) / max(high_db - usual_db, 3.0), 0, 1.5)
    stress = blurred(
        np.where(mask, 0.5 * louder + 0.5 * relative_pitch(prosody), 0).astype(np.float32),
        ACCENT_WIDTH_S * prosody.rate,
    )
    peaks = np.flatnonzero((stress[1:-1] > stress[:-2]) & (stress[1:-1] >= stress[2:])) + 1
    peaks = peaks[stress[peaks] > FAINTEST_ACCENT]
    gap = round(ACCENT_GAP_S * prosody.rate)
    tallest = np.lib.stride_tricks.sliding_window_view(np.pad(stress, gap), 2 * gap + 1).max(axis=1)
    peaks = peaks[stress[peaks] >= tallest[peaks]]  # of two that are too close the stronger stays
    return peaks / prosody.rate, np.clip(stress[peaks].astype(np.float64), 0, 1)


def relative_pitch(prosody: Prosody) -> Array:
    """How high the voice is in the speaker's own range, (T,): 0 usual, 1 nearly the highest; 0 where unvoiced."""
    return prosody._relative_pitch


def _relative_pitch(prosody: Prosody) -> Array:
    steady = steady_pitch_hz(prosody)
    voiced = steady > 0
    if not voiced.any():
        return np.zeros(len(voiced), np.float32)
    semitones = 12 * np.log2(np.maximum(steady, MIN_PITCH_HZ) / MIN_PITCH_HZ)
    usual, high = np.percentile(semitones[voiced], (50, 95))
    return np.where(voiced, np.clip((semitones - usual) / max(high - usual, 2.0), -1, 1.5), 0).astype(np.float32)


def steady_pitch_hz(prosody: Prosody) -> Array:
    """The pitch where it holds for most of 0.1 s, (T,), else and where it is quiet 0: without slips by an octave."""
    return _steady(np.where(prosody.loudness_db > prosody._quiet_db, prosody.pitch_hz, 0))


def _steady(pitch_hz: Array) -> Array:
    if len(pitch_hz) < STEADY_ROWS:
        return np.zeros(len(pitch_hz), np.float32)
    padded = np.pad(pitch_hz, STEADY_ROWS // 2)
    steady: Array = np.median(np.lib.stride_tricks.sliding_window_view(padded, STEADY_ROWS), axis=1)
    return steady
