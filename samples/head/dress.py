"""What never moves by a key: hair, ears, and the collar that ends the neck."""

from __future__ import annotations

import numpy as np

from . import form
from .form import Array, smoothstep
from .parts import Part, joined, mirrored, sheet

HAIR = np.array([0.12, 0.052, 0.026])
CENTRE = np.array([0.0, 0.8, 3.2])


def _hairline(azimuth: Array) -> Array:
    """How far down the hair grows, degrees above the horizon of CENTRE, by azimuth (radians, 0 in front)."""
    a = np.degrees(np.abs((azimuth + np.pi) % (2 * np.pi) - np.pi))
    return np.interp(
        a, [0, 20, 38, 52, 66, 76, 86, 96, 104, 116, 140, 180], [38, 40, 37, 27, 8, -14, -24, -20, -8, -22, -40, -44]
    )


def hair() -> Part:
    """Short combed hair: a shell over the scalp that sinks into the skin at the hairline."""
    turns = np.linspace(0, 2 * np.pi, 144, endpoint=False)
    u = np.linspace(0, 1, 48)  # from the crown to just below the hairline
    low = _hairline(turns)
    low = (np.roll(low, 1) + low + np.roll(low, -1)) / 3 - 3.0
    elevation = np.radians(90 - u[:, None] ** 0.92 * (90 - low[None, :]))
    azimuth = np.broadcast_to(turns, elevation.shape)
    way = np.stack(
        [np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)], axis=-1
    )
    way = way.reshape(-1, 3)
    scalp = form.cast(np.broadcast_to(CENTRE, way.shape), way)
    edge = np.repeat(1 - u, len(turns))
    x, y, z = way.T
    ahead, top = smoothstep(0.1, 0.9, -y), smoothstep(0.0, 0.8, z)
    parting = np.exp(-(((x - 0.36) / 0.045) ** 2)) * smoothstep(0.25, 0.6, z) * smoothstep(-0.5, 0.2, -y)
    swept = smoothstep(0.42, 0.25, x)  # the long side of the parting
    quiff = ahead * smoothstep(0.4, 0.72, z) * (0.25 + 1.15 * swept * np.exp(-(((x - 0.02) / 0.42) ** 2)))
    thick = 0.5 + 0.6 * top + quiff - 0.4 * parting
    comb = (
        np.arctan2(x - 0.36, z + 0.3) * 9 + 3.2 * y + 1.3 * np.sin(2.2 * y + 3 * x)
    )  # locks leave the parting and sweep back
    lock = 1 - np.abs(np.sin(comb)) ** 1.5
    fine = 0.5 + 0.5 * np.sin(5.3 * comb + 2 * x)
    thick = (
        thick * smoothstep(0.0, 0.16, edge - 0.012)
        + (0.16 * lock + 0.03 * fine) * smoothstep(0.03, 0.2, edge)
        - 0.16 * (edge < 0.03)
    )
    colour = HAIR * (0.7 + 0.65 * lock + 0.22 * fine - 0.35 * parting)[:, None]
    return Part(scalp + way * thick[:, None], sheet(len(u), len(turns), True), colour)


def _ear() -> Part:
    """The left ear: a shell with a rolled rim, a bowl and a lobe."""
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    high, deep = np.sin(turns), np.cos(turns)  # up, backwards
    radius = 1.0 + 0.10 * np.cos(turns - 0.9) - 0.13 * np.exp(-(((turns - 4.9) / 0.7) ** 2)) * deep
    outline = np.stack([1.45 * deep * (1 + 0.24 * high) + 0.16 * high, 2.65 * high], axis=-1) * radius[:, None]
    rows = [
        (0.0, -0.42),
        (0.22, -0.42),
        (0.42, -0.3),
        (0.5, 0.05),
        (0.6, 0.16),
        (0.7, 0.1),
        (0.79, 0.0),
        (0.86, 0.12),
        (0.93, 0.3),
    ]
    rows += [(1.0, 0.3), (1.02, 0.14), (0.98, -0.05), (0.86, -0.3), (0.6, -0.75), (0.4, -1.2)]
    points, colour = [], []
    for n, (r, h) in enumerate(rows):
        lobe = smoothstep(-0.45, -0.85, high)
        rise = h * (1 - 0.75 * lobe) if n < 10 else h
        flat = outline * max(r, 0.02) + np.array([-0.28, -0.12]) * (1 - min(r, 1.0))
        points.append(np.stack([rise + 0 * high, flat[:, 0], flat[:, 1]], axis=-1))
        colour.append(
            np.tile(np.array([0.90, 0.45, 0.33]) * (0.62 + 0.38 * smoothstep(-0.4, 0.15, h)), (len(turns), 1))
        )
    at = np.concatenate(points)
    at = at @ form.rotation("x", np.radians(-9)).T @ form.rotation("z", np.radians(-27)).T
    faces = [tuple(reversed(f)) for f in sheet(len(rows), len(turns), True)]
    return Part(at + [7.35, 1.15, -0.15], faces, np.concatenate(colour))


def ears() -> Part:
    """Both ears."""
    left = _ear()
    return joined([left, mirrored(left)])


def collar() -> Part:
    """A jumper's collar and shoulders, so that the neck does not end in a cut."""
    profile = [
        (4.5, 4.4, -13.4),
        (4.75, 4.7, -13.0),
        (5.05, 5.0, -12.9),
        (5.3, 5.25, -13.1),
        (5.4, 5.35, -13.9),
        (5.5, 5.4, -14.8),
    ]
    profile += [
        (6.2, 5.8, -15.7),
        (8.2, 6.5, -16.6),
        (11.2, 7.2, -17.7),
        (14.0, 7.7, -19.2),
        (15.8, 8.0, -21.4),
        (16.6, 8.2, -25.0),
    ]
    turns = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    points = []
    for rx, ry, z in profile:
        lean = 2.95 + 0.08 * (-13 - z)
        front = 0.9 * np.cos(turns) * smoothstep(-12.5, -15.5, z)  # lower in front than behind
        points.append(np.stack([rx * np.sin(turns), lean - ry * np.cos(turns), z - front], axis=-1))
    at = np.concatenate(points)
    ribs = 1 + 0.012 * np.sin(np.tile(np.arange(64), len(profile)) * np.pi)
    at[:, :2] = (at[:, :2] - [0, 3.0]) * ribs[:, None] + [0, 3.0]
    return Part(at, sheet(len(profile), 64, True), np.tile([0.045, 0.10, 0.17], (len(at), 1)))
