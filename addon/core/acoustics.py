"""What is measured of sound: loudness, pitch and spectral tilt of a window's rows, 50 a second."""

from __future__ import annotations

from functools import cache

import numpy as np

from .audio import RATE
from .curves import Array, Doubles, Rows
from .model import HOP_SAMPLES, Window

DECIMATION = 4  # pitch is sought at 4 kHz: a quarter of the work, and formants stay out of it
PITCH_RATE = RATE // DECIMATION
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
TILT_SAMPLES = 320  # 20 ms in the middle of a frame
TILT_LOW_HZ, TILT_SPLIT_HZ, TILT_HIGH_HZ = 50, 1_000, 5_000  # the alpha ratio of eGeMAPS (Eyben et al. 2016)


def measure(window: Window) -> Array:
    """Loudness in dB, pitch in Hz and tilt in dB of a window's rows, (T, 3), however the sound is cut into windows."""
    if window.context < REACH_SAMPLES:
        raise ValueError(f"{window.context} samples of surroundings: prosody needs {REACH_SAMPLES}")
    first = window.context - FRAME_SAMPLES // 2  # the first frame's start
    end = first + (window.rows - 1) * HOP_SAMPLES + FRAME_SAMPLES
    loudness = _loudness_db(window.samples[first:end])
    pitch = _pitch_hz(window.samples[first - DECIMATION : end + DECIMATION], loudness)
    return np.stack([loudness, pitch, _tilt_db(window.samples[first:end], loudness)], axis=1)


def _tilt_db(samples: Array, loudness_db: Array) -> Array:
    """The alpha ratio of every audible row, 0 of the others."""
    tilt = np.zeros(len(loudness_db), np.float32)
    audible = np.flatnonzero(loudness_db > AUDIBLE_DB)
    if not len(audible):
        return tilt
    inner = samples[(FRAME_SAMPLES - TILT_SAMPLES) // 2 :]
    frames = np.lib.stride_tricks.sliding_window_view(inner, TILT_SAMPLES)[::HOP_SAMPLES]
    power = _power(frames[audible], _tilt_waves())  # a bin is 50 Hz, the first of them TILT_LOW_HZ
    split = (TILT_SPLIT_HZ - TILT_LOW_HZ) * TILT_SAMPLES // RATE
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
    before, inner, after = normal[:, :-2], normal[:, 1:-1], normal[:, 2:]
    is_peak = (inner > before) & (inner >= after)
    # A parabola through three lags: else a period that lies between two of them loses to two periods that do not.
    slope, bend = (before - after) / 2, np.minimum(before - 2 * inner + after, -1e-6)
    shift = np.clip(slope / bend, -0.5, 0.5)
    height = inner - slope * shift / 2
    score = np.where(is_peak, height - OCTAVE_COST * np.log2(lags[1:-1] / lags[1]), -1.0)
    best = score.argmax(axis=1)
    rows = np.arange(len(frames))
    hz = PITCH_RATE / (lags[best + 1] + shift[rows, best])
    return np.where((height[rows, best] > VOICED_PEAK) & is_peak[rows, best], hz, 0.0).astype(np.float32)


@cache
def _pitch_waves() -> tuple[Array, Array]:
    """What takes centred, windowed frames to their spectrum, and its power to the autocorrelation at 0 and each lag."""
    window = np.hanning(FRAME + 2)[1:-1]
    bins = np.arange(FFT_SIZE // 2 + 1)
    centred = _centred(_waves(window, FFT_SIZE, bins))
    kept = [0, *range(SHORTEST_LAG - 1, LONGEST_LAG + 2)]
    own = np.fft.irfft(np.abs(np.fft.rfft(window, FFT_SIZE)) ** 2)[kept]
    delays = np.fft.irfft(np.eye(len(bins)), FFT_SIZE, axis=1)[:, kept] * (own[0] / own)  # a frame that repeats has 1
    return centred.astype(np.float32), delays.astype(np.float32)


@cache
def _tilt_waves() -> Array:
    low, high = (hz * TILT_SAMPLES // RATE for hz in (TILT_LOW_HZ, TILT_HIGH_HZ))
    return _centred(_waves(np.hanning(TILT_SAMPLES), TILT_SAMPLES, np.arange(low, high))).astype(np.float32)


def _centred(waves: Doubles) -> Doubles:
    """The same waves, (N, 2 K), for frames whose mean is to be left out: a window spreads it into the lowest bins."""
    centred: Doubles = waves - waves.mean(axis=0)
    return centred


def _waves(window: Doubles, size: int, bins: Rows) -> Doubles:
    """Under a window (N,), the cosines of a Fourier transform's bins, then the sines: (N, 2 K)."""
    angles = 2 * np.pi / size * np.arange(len(window))[:, np.newaxis] * bins
    waves: Doubles = window[:, np.newaxis] * np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    return waves


def _power(frames: Array, waves: Array) -> Array:
    """Power in each bin, (T, K): as a product of matrices five times as fast as numpy's transform, and in float32."""
    parts = frames @ waves
    parts *= parts
    half = parts.shape[1] // 2
    return parts[:, :half] + parts[:, half:]
