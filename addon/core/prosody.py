"""How a line is said: loudness, pitch, phrases and accents, 50 times a second; the layers above the mouth follow it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from .curves import Rows, blurred
from .model import HOP_SAMPLES, RATE, Window

Array = npt.NDArray[np.float32]
Moments = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)

DECIMATION = 4  # pitch is sought at 4 kHz: a quarter of the work, and formants stay out of it
PITCH_RATE = 4_000
FRAME_SAMPLES = 640  # 40 ms at 16 kHz, centred on the row's instant: three periods at 75 Hz
FRAME = FRAME_SAMPLES // DECIMATION
REACH_SAMPLES = FRAME_SAMPLES // 2 + DECIMATION  # heard on either side of a row
FFT_SIZE = 256  # 160 samples and 66 lags without wrapping round
MIN_PITCH_HZ, MAX_PITCH_HZ = 65.0, 500.0
VOICED_PEAK = 0.5  # of the normalised autocorrelation (Boersma 1993 takes 0.45 of a longer window)
OCTAVE_COST = 0.03  # an octave; keeps the search from halving the pitch
SHORTEST_LAG, LONGEST_LAG = int(PITCH_RATE / MAX_PITCH_HZ), int(PITCH_RATE / MIN_PITCH_HZ)  # 8 and 61 samples
FLOOR_DB = -90.0
AUDIBLE_DB = -85.0  # below this sixteen bits leave no pitch and no tilt to measure, and no microphone is as quiet
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
RATE_HZ = 16_000  # of the sound
TILT_SAMPLES = 320  # 20 ms in the middle of a frame
TILT_LOW_HZ, TILT_SPLIT_HZ, TILT_HIGH_HZ = 50, 1_000, 5_000  # the alpha ratio of eGeMAPS (Eyben et al. 2016)


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


def measure(window: Window) -> Array:
    """Loudness in dB, pitch in Hz and tilt in dB of a window's rows, (T, 3), however the sound is cut into windows."""
    if window.context < REACH_SAMPLES:
        raise ValueError(f"{window.context} samples of surroundings: prosody needs {REACH_SAMPLES}")
    first = window.context - FRAME_SAMPLES // 2  # the first frame's start
    end = first + (window.rows - 1) * HOP_SAMPLES + FRAME_SAMPLES
    loudness = _loudness_db(window.samples[first:end])
    pitch = _pitch_hz(window.samples[first - DECIMATION : end + DECIMATION], loudness)
    return np.stack([loudness, pitch, _tilt_db(window.samples[first:end], loudness)], axis=1)


def gather(rows: list[Array]) -> Prosody:
    """The prosody of a whole take from its windows' rows, each (T, 3)."""
    table = np.concatenate(rows) if rows else np.zeros((0, 3), np.float32)
    loudness, pitch, tilt = np.ascontiguousarray(table.T)
    return Prosody(loudness, pitch, tilt_db=tilt)


def _tilt_db(samples: Array, loudness_db: Array) -> Array:
    """The alpha ratio of every audible row, 0 of the others."""
    tilt = np.zeros(len(loudness_db), np.float32)
    audible = np.flatnonzero(loudness_db > AUDIBLE_DB)
    if not len(audible):
        return tilt
    inner = samples[(FRAME_SAMPLES - TILT_SAMPLES) // 2 :]
    frames = np.lib.stride_tricks.sliding_window_view(inner, TILT_SAMPLES)[::HOP_SAMPLES]
    power = _power(frames[audible], _tilt_waves())  # a bin is 50 Hz, the first of them TILT_LOW_HZ
    split = (TILT_SPLIT_HZ - TILT_LOW_HZ) * TILT_SAMPLES // RATE_HZ
    above, below = np.maximum(power[:, split:].sum(axis=1), 1e-12), np.maximum(power[:, :split].sum(axis=1), 1e-12)
    tilt[audible] = 10 * np.log10(above / below)
    return tilt


def _loudness_db(samples: Array) -> Array:
    halves = (samples * samples).reshape(-1, HOP_SAMPLES).mean(axis=1)  # (T + 1,): a frame is two hops
    means = samples.reshape(-1, HOP_SAMPLES).mean(axis=1)  # a direct current is not heard
    power = (halves[:-1] + halves[1:]) / 2 - ((means[:-1] + means[1:]) / 2) ** 2
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10))), np.float32)


def _pitch_hz(samples: Array, loudness_db: Array) -> Array:
    """Autocorrelation pitch after Boersma (1993), all frames at once; `samples` reach DECIMATION further either way."""
    means = np.ascontiguousarray(samples.reshape(-1, DECIMATION).T).mean(axis=0)
    slow = 0.25 * means[:-2] + 0.5 * means[1:-1] + 0.25 * means[2:]  # 4 kHz; -6 dB at 1 kHz
    step = HOP_SAMPLES // DECIMATION
    frames = np.lib.stride_tricks.sliding_window_view(slow, FRAME)[::step]  # (T, FRAME)
    audible = np.flatnonzero(loudness_db > AUDIBLE_DB)
    pitch = np.zeros(len(loudness_db), np.float32)
    if len(audible):
        pitch[audible] = _peaks_hz(frames[audible])
    return pitch


def _peaks_hz(frames: Array) -> Array:
    waves, delays = _pitch_waves()
    power = _power(frames, waves)
    lags = np.arange(SHORTEST_LAG - 1, LONGEST_LAG + 2)
    raw = power @ delays  # (T, 1 + lags)
    normal = raw[:, 1:] / np.maximum(raw[:, :1], 1e-12)  # 1 where a frame repeats exactly
    inner = normal[:, 1:-1]
    is_peak = (inner > normal[:, :-2]) & (inner >= normal[:, 2:])
    score = np.where(is_peak, inner - OCTAVE_COST * np.log2(lags[1:-1] / lags[1]), -1.0)
    best = score.argmax(axis=1)
    rows = np.arange(len(frames))
    before, at, after = normal[rows, best], normal[rows, best + 1], normal[rows, best + 2]
    bend = before - 2 * at + after
    shift = np.where(bend < -1e-6, 0.5 * (before - after) / np.minimum(bend, -1e-6), 0.0)  # parabola through three
    hz = PITCH_RATE / (lags[best + 1] + np.clip(shift, -0.5, 0.5))
    return np.where((at > VOICED_PEAK) & is_peak[rows, best], hz, 0.0).astype(np.float32)


@cache
def _pitch_waves() -> tuple[Array, Array]:
    """What takes centred, windowed frames to their spectrum, and its power to the autocorrelation at 0 and each lag."""
    window = np.hanning(FRAME + 2)[1:-1]
    bins = np.arange(FFT_SIZE // 2 + 1)
    centred = (np.eye(FRAME) - 1 / FRAME) @ _waves(window, FFT_SIZE, bins)
    kept = [0, *range(SHORTEST_LAG - 1, LONGEST_LAG + 2)]
    own = np.fft.irfft(np.abs(np.fft.rfft(window, FFT_SIZE)) ** 2)[kept]
    delays = np.fft.irfft(np.eye(len(bins)), FFT_SIZE, axis=1)[:, kept] * (own[0] / own)  # a frame that repeats has 1
    return centred.astype(np.float32), delays.astype(np.float32)


@cache
def _tilt_waves() -> Array:
    low, high = (hz * TILT_SAMPLES // RATE_HZ for hz in (TILT_LOW_HZ, TILT_HIGH_HZ))
    return _waves(np.hanning(TILT_SAMPLES), TILT_SAMPLES, np.arange(low, high)).astype(np.float32)


def _waves(window: Moments, size: int, bins: Rows) -> Moments:
    """Under a window (N,), the cosines of a Fourier transform's bins, then the sines: (N, 2 K)."""
    angles = 2 * np.pi / size * np.arange(len(window))[:, np.newaxis] * bins
    waves: Moments = window[:, np.newaxis] * np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    return waves


def _power(frames: Array, waves: Array) -> Array:
    """Power in each bin, (T, K): as a product of matrices five times as fast as numpy's transform, and in float32."""
    parts = frames @ waves
    parts *= parts
    half = parts.shape[1] // 2
    return parts[:, :half] + parts[:, half:]


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


def runs(mask: Mask) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
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
