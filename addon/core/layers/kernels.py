"""Zero-phase smoothing of columns; ends are held, so a take starts and stops as it is."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


def gaussian(width_frames: float) -> Array:
    """A Gaussian of that standard deviation, cut at three of them, that sums to 1, (K,) with K odd."""
    half = max(1, math.ceil(3 * width_frames))
    x = np.arange(-half, half + 1) / max(width_frames, 1e-6)
    kernel = np.exp(-0.5 * x * x)
    return np.asarray(kernel / kernel.sum(), np.float32)


def blurred(values: Array, kernel: Array) -> Array:
    """Every column of (T, C), or one (T,), weighted by the kernel (K,) over its neighbours."""
    half = len(kernel) // 2
    padded = np.pad(values, ((half, half),) + ((0, 0),) * (values.ndim - 1), mode="edge") if len(values) else values
    soft = np.zeros_like(values)
    for offset, weight in enumerate(kernel):  # a few taps, each over all frames
        soft += weight * padded[offset : offset + len(values)]
    return soft
