"""Where the loops of lips, mouth and lids lie at rest; all for the left half."""

from __future__ import annotations

import numpy as np

from . import form
from .form import EYE, EYE_R, MOUTH, Array

# Rings of the mouth, from the grid inwards, and of an eye.
BORDER, EDGE, CONTACT, SULCUS, THROAT = 4, 8, 10, 12, 15
CREASE, MARGIN, WET, SOCKET = 4, 7, 8, 9
LIP_HALF_WIDTH = 2.45


def lip_seam(along: Array) -> Array:
    """Where the closed lips meet, (V, 3), for the left half; the lips' inner edge."""
    x = LIP_HALF_WIDTH * (0.55 * along + 0.45 * np.sin(np.pi / 2 * along))
    u = x / LIP_HALF_WIDTH
    z = MOUTH[2] + 0.28 * u**2 - 0.05 * np.exp(-((u / 0.2) ** 2))
    return np.stack([x, form.front(x, z) + 0.36 - 0.08 * u**2, z], axis=-1)


def lip_ring(ring: int, along: Array, upper: Array) -> Array:
    """A loop of the lips or of the mouth's inside, (V, 3), for the left half."""
    seam = lip_seam(along)
    u = np.minimum(seam[:, 0] / LIP_HALF_WIDTH, 1.0)
    if ring <= EDGE:
        t = {4: 0.0, 5: 0.3, 6: 0.64, 7: 0.9, 8: 1.0}[ring]
        high = (
            0.82
            * (1 - u**2) ** 0.75
            * (1 + 0.2 * np.exp(-(((u - 0.26) / 0.16) ** 2)) - 0.1 * np.exp(-((u / 0.1) ** 2)))
        )
        low = 1.0 * (1 - u**2) ** 0.62
        border = seam + np.stack([0.17 * u**3, 0 * u, np.where(upper > 0, high, -low) * np.abs(upper)], axis=-1)
        border[:, 1] = form.front(border[:, 0], border[:, 2])
        bulge = np.where(upper > 0, 0.46, 0.56) * np.sqrt(np.maximum(1 - u**2, 0)) * 4 * t * (1 - t)
        out = border + (seam - border) * t**1.1
        return out + np.stack([0 * u, -bulge, 0.12 * bulge * upper], axis=-1)
    angle = np.pi / 2 * along
    rise = upper * np.cos(angle) ** 0.7
    if ring <= SULCUS:
        back, height, widen = {
            9: (0.2, -0.015, 0.99),
            10: (0.38, 0.0, 0.98),
            11: (0.45, 0.7, 1.04),
            12: (0.55, 1.45, 1.16),
        }[ring]
        return seam * [widen, 1, 1] + np.stack([0 * u, back + 0 * u, rise * height], axis=-1)
    y, width, height = {13: (-4.6, 3.1, 1.75), 14: (-2.2, 2.5, 1.6), 15: (0.4, 1.5, 1.2)}[ring]
    return np.stack([width * np.sin(angle), y + 0 * u, MOUTH[2] + rise * height], axis=-1)


def lid_margin(along: Array, upper: Array) -> tuple[Array, Array]:
    """Azimuth and elevation in degrees, seen from the left eyeball's centre, of the open lid's edge."""
    t = 0.6 * along + 0.4 * (1 - np.cos(np.pi * along)) / 2
    azimuth = -37.0 + 80.0 * t
    base = -3.5 + 7.0 * t
    skew = t ** np.where(upper > 0, 0.9, 1.12)  # the upper lid peaks near the nose, the lower one near the temple
    arc = (4 * skew * (1 - skew)) ** 0.72
    return azimuth, base + np.where(upper > 0, 22.0, -20.5) * arc * np.abs(upper)


def lid_closed(along: Array) -> Array:
    """Elevation in degrees of the line where closed lids meet: near the lower lid, as lids do."""
    low, high = lid_margin(along, -np.ones_like(along))[1], lid_margin(along, np.ones_like(along))[1]
    return np.asarray(low + 0.2 * (high - low))


def on_eye(azimuth_deg: Array, elevation_deg: Array, radius: Array | float) -> Array:
    """Points (V, 3) about the left eyeball; the radius counts in eyeballs."""
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    way = np.stack([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)], axis=-1)
    return np.asarray(EYE + way * np.asarray(radius * EYE_R + 0 * a)[..., None])


LID_RINGS = {
    3: (16.0, 1.13),
    4: (10.5, 1.085),
    5: (6.6, 1.115),
    6: (2.8, 1.115),
    7: (0.4, 1.09),
    8: (0.0, 1.045),
    9: (8.0, 1.035),
}


def lid_angles(ring: int, along: Array, upper: Array) -> tuple[Array, Array, float]:
    """Azimuth, elevation (degrees) and radius (eyeballs) of a lid loop at rest."""
    away, radius = LID_RINGS[ring]
    azimuth, elevation = lid_margin(along, upper)
    out = np.stack([(azimuth - 3.0) / 40.0**2, elevation / 24.0**2], axis=-1)
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    reach = away * np.where(upper > 0, 1.15, 1.0)
    return azimuth + reach * out[:, 0], elevation + reach * out[:, 1], radius


def lid_ring(ring: int, along: Array, upper: Array) -> Array:
    """A loop of the left eye's lids at rest, (V, 3)."""
    return on_eye(*lid_angles(ring, along, upper))
