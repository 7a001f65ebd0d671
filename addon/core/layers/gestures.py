"""What layers draw with: dice of their own, raised cosines at moments, noise that drifts, and leaps between holds."""

from __future__ import annotations

import zlib
from collections.abc import Container, Iterable, Mapping

import numpy as np

from .. import channels
from ..curves import Array, Curves, blurred
from ..prosody import Moments, Prosody, speech_mask


def dice(seed: int, layer: str, prosody: Prosody) -> np.random.Generator:
    """A layer's own random numbers: the same for the same seed and line, others for a line of another length.

    Without the length, every line of a batch would begin with the same turn of the head and the same blink.
    """
    return np.random.default_rng([seed, zlib.crc32(layer.encode()), len(prosody.pitch_hz)])


def humps(prosody: Prosody, times_s: Moments, widths_s: Moments, heights: Moments) -> Array:
    """Raised cosines that peak at the times given, added up, (T,); each is as wide as its width."""
    total = np.zeros(len(prosody.pitch_hz), np.float32)
    if not len(times_s):
        return total
    reach = int(np.ceil(widths_s.max() / 2 * prosody.rate)) + 1
    rows = np.rint(times_s * prosody.rate).astype(np.intp)[:, np.newaxis] + np.arange(-reach, reach + 1)
    away = (rows / prosody.rate - times_s[:, np.newaxis]) / widths_s[:, np.newaxis]  # -0.5..0.5 within a hump
    shape = np.where(np.abs(away) < 0.5, 0.5 + 0.5 * np.cos(2 * np.pi * away), 0) * heights[:, np.newaxis]
    inside = (rows >= 0) & (rows < len(total))
    np.add.at(total, rows[inside], shape[inside].astype(np.float32))
    return total


def nearest(times_s: Moments, marks_s: Moments) -> Moments:
    """Of the marks, sorted and one at least, the nearest to each of the times; of two equally near the later."""
    right = np.clip(np.searchsorted(marks_s, times_s), 0, len(marks_s) - 1)
    before, after = marks_s[np.maximum(right - 1, 0)], marks_s[right]
    near: Moments = np.where(np.abs(before - times_s) < np.abs(after - times_s), before, after)
    return near


def drift(rng: np.random.Generator, rows: int, rate: float, hz: tuple[float, float], waves: int = 5) -> Array:
    """Slow noise of standard deviation 1, (T,): a few sines of drawn frequency and phase between two limits."""
    t = np.arange(rows) / rate
    total = np.zeros(rows)
    for frequency, phase in zip(rng.uniform(*hz, waves), rng.uniform(0, 2 * np.pi, waves), strict=True):
        total += np.sin(2 * np.pi * frequency * t + phase)
    return np.asarray(total / np.sqrt(waves / 2), np.float32)


def soft_sum(*parts: Array) -> Array:
    """Several shares of one shape together: nearly their sum while they are small, and never beyond 1."""
    left = np.ones_like(parts[0])
    for part in parts:
        left = left * (1 - part)
    return np.asarray(1 - left, np.float32)


def add_softly(curves: Curves, shares: Mapping[str, Array]) -> Curves:
    """Curves with a share of each named shape on top; where a share is 0 not a bit changes."""
    columns = {}
    for name, share in shares.items():
        own = curves.column(name)
        columns[name] = np.where(share > 0, np.clip(own + share * (1 - own), 0, 1), own)
    return curves.with_columns(columns)


def sided(names: Iterable[str], has: Container[str] = channels.ARKIT) -> dict[str, tuple[str, ...]]:
    """Each shape with the channels that make it up: its left and its right, or the one that has no sides."""
    return {name: (name,) if name in has else (f"{name}Left", f"{name}Right") for name in names}


def speaking(prosody: Prosody, width_s: float) -> Array:
    """How much somebody is speaking, (T,): 1 within phrases, 0 in pauses, with soft edges of about that width."""
    return blurred(speech_mask(prosody).astype(np.float32), width_s * prosody.rate)


def leaps(t: Moments, starts_s: Moments, lasts_s: Moments, places: Moments) -> Moments:
    """Where something is at the times t, (T, D): it leaps to places (K, D) at the starts (K,), and holds there.

    The first place is held from the beginning; every leap eases in and out over its own duration.
    """
    k = np.clip(np.searchsorted(starts_s, t, side="right") - 1, 0, len(starts_s) - 1)
    share = np.clip((t - starts_s[k]) / lasts_s[k], 0, 1)
    eased = (share * share * (3 - 2 * share))[:, np.newaxis]
    come_from = places[np.maximum(k - 1, 0)]
    reached: Moments = come_from + eased * (places[k] - come_from)
    return reached
