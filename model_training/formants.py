"""Other throats: a larger or a smaller head, whose formants lie elsewhere, and one that only breathes.

Speakers differ by the length of their vocal tract, which a corpus of few people does not show enough of (Jaitly and
Hinton, Vocal Tract Length Perturbation, 2013). Theirs warps a filter bank; a network that hears the waveform needs a
waveform, so here each frame's spectral envelope, the low end of its cepstrum, is moved and its harmonics stay. With
noise in the harmonics' place the same envelope whispers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft

Floats = npt.NDArray[np.float32]

# How far down and up. Recognisers that undo it look within 0.12 (Lee and Rose, 1996); children's formants lie a quarter
# to two fifths above men's (i and a of Peterson and Barney, 1952).
LOWEST, HIGHEST = 0.87, 1.35
FRAME, HOP = 512, 128  # samples at 16 kHz: 32 ms every 8 ms
ENVELOPE = 44  # cepstrum samples, 2.75 ms: no harmonic of a voice up to 360 Hz is part of the envelope
FLOOR = 1e-5  # of a magnitude, below which an envelope is noise's
LARGEST_GAIN = np.log(150.0)
WITHOUT_VOICE_DB = (6.0, 24.0)  # how much weaker the lowest sounds are without a voice,
WITHOUT_VOICE_HZ = 1500.0  # and up to where anything is
_BINS_HZ = np.arange(FRAME // 2 + 1) * 16_000 / FRAME
_WINDOW = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


def drawn(rng: np.random.Generator) -> float:
    """A factor for `moved`, any ratio as likely as another."""
    return float(np.exp(rng.uniform(np.log(LOWEST), np.log(HIGHEST))))


def moved(samples: Floats, factor: float) -> Floats:
    """The sound (N,) with every formant at `factor` times its frequency, for a head that is smaller by as much."""
    spectrum = _spectrum(samples)
    envelope = _envelope(spectrum)
    last = envelope.shape[1] - 1
    source = np.minimum(np.arange(last + 1) / factor, last)
    below = np.minimum(source.astype(int), last - 1)
    share = (source - below).astype(np.float32)
    wanted = envelope[:, below] * (1 - share) + envelope[:, below + 1] * share
    spectrum *= np.exp(np.clip(wanted - envelope, -LARGEST_GAIN, LARGEST_GAIN))
    return _sound(spectrum, len(samples))


def whispered(samples: Floats, rng: np.random.Generator) -> Floats:
    """The sound (N,) said without a voice, as loud as it was: breath through the same throat, the low end weaker."""
    breath = _spectrum(rng.standard_normal(len(samples), np.float32))
    weaker_db = rng.uniform(*WITHOUT_VOICE_DB) * np.clip(1 - _BINS_HZ / WITHOUT_VOICE_HZ, 0, 1)
    gain = _envelope(_spectrum(samples)) - _envelope(breath) - np.log(10) / 20 * weaker_db
    heard = _sound(breath * np.exp(gain), len(samples))
    return np.asarray(heard * np.sqrt((samples**2).mean() / ((heard**2).mean() + 1e-12)), np.float32)


def _spectrum(samples: Floats) -> npt.NDArray[np.complex64]:
    """Short-time spectra (T, FRAME / 2 + 1), from a frame before the first sample on."""
    lead = FRAME - HOP
    count = -(-(len(samples) + lead) // HOP)
    padded = np.zeros((count - 1) * HOP + FRAME, np.float32)
    padded[lead : lead + len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    return np.asarray(scipy.fft.rfft(frames * _WINDOW, axis=1), np.complex64)


def _envelope(spectrum: npt.NDArray[np.complex64]) -> Floats:
    """The logarithm of the spectra's envelope, as large."""
    cepstrum = scipy.fft.irfft(np.log(np.abs(spectrum) + np.float32(FLOOR)), axis=1)
    cepstrum[:, ENVELOPE : 1 - ENVELOPE] = 0
    return np.asarray(scipy.fft.rfft(cepstrum, axis=1).real, np.float32)


def _sound(spectrum: npt.NDArray[np.complex64], length: int) -> Floats:
    """The first `length` samples of what the spectra are of, (length,)."""
    count = len(spectrum)
    parts = (scipy.fft.irfft(spectrum, axis=1) * _WINDOW).reshape(count, FRAME // HOP, HOP)
    heard = np.zeros((count + FRAME // HOP - 1, HOP), np.float32)
    for part in range(FRAME // HOP):
        heard[part : part + count] += parts[:, part]
    overlap = FRAME / HOP / 2  # what the squared windows come to
    return np.asarray(heard.ravel()[FRAME - HOP :][:length] / overlap, np.float32)
