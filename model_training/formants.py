"""A larger or a smaller head: formants moved along the frequency axis, while pitch and time stay (VTLP).

Speakers differ by the length of their vocal tract, which a corpus of few people does not show enough of (Jaitly and
Hinton, Vocal Tract Length Perturbation, 2013). Theirs warps a filter bank; a network that hears the waveform needs a
waveform, so here each frame's spectral envelope, the low end of its cepstrum, is moved and its harmonics stay.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft

Floats = npt.NDArray[np.float32]

MOST = 0.15  # up or down; recognisers that undo it look within 0.12 (Lee and Rose, 1996), and children lie beyond
FRAME, HOP = 512, 128  # samples at 16 kHz: 32 ms every 8 ms
ENVELOPE = 44  # cepstrum samples, 2.75 ms: no harmonic of a voice up to 360 Hz is part of the envelope
FLOOR = 1e-5  # of a magnitude, below which an envelope is noise's
LARGEST_GAIN = np.log(150.0)
_WINDOW = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


def moved(samples: Floats, factor: float) -> Floats:
    """The sound (N,) with every formant at `factor` times its frequency, for a head that is smaller by as much."""
    lead = FRAME - HOP
    count = -(-(len(samples) + lead) // HOP)
    padded = np.zeros((count - 1) * HOP + FRAME, np.float32)
    padded[lead : lead + len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    spectrum = scipy.fft.rfft(frames * _WINDOW, axis=1)
    cepstrum = scipy.fft.irfft(np.log(np.abs(spectrum) + np.float32(FLOOR)), axis=1)
    cepstrum[:, ENVELOPE : 1 - ENVELOPE] = 0
    envelope = scipy.fft.rfft(cepstrum, axis=1).real
    last = envelope.shape[1] - 1
    source = np.minimum(np.arange(last + 1) / factor, last)
    below = np.minimum(source.astype(int), last - 1)
    share = (source - below).astype(np.float32)
    wanted = envelope[:, below] * (1 - share) + envelope[:, below + 1] * share
    spectrum *= np.exp(np.clip(wanted - envelope, -LARGEST_GAIN, LARGEST_GAIN))
    parts = (scipy.fft.irfft(spectrum, axis=1) * _WINDOW).reshape(count, FRAME // HOP, HOP)
    heard = np.zeros((count + FRAME // HOP - 1, HOP), np.float32)
    for part in range(FRAME // HOP):
        heard[part : part + count] += parts[:, part]
    overlap = FRAME / HOP / 2  # what the squared windows come to
    return np.asarray(heard.ravel()[lead : lead + len(samples)] / overlap, np.float32)
