"""The keys of lids, brows, cheeks and nose."""

from __future__ import annotations

import numpy as np

from .form import Array
from .loops import SOCKET, lid_angles, lid_closed, lid_margin, on_eye
from .skin import LIDS, Skin
from .spread import Spreader

# How much of the lid edge's travel each loop follows, from the crease to the socket behind the lid.
FOLLOW = {3: 0.06, 4: 0.26, 5: 0.6, 6: 0.88, 7: 1.0, 8: 1.0, 9: 0.9}
CLOSED_RADIUS = 1.115  # eyeballs; a key moves along a chord, so a closed lid stands off further than an open one

# key: degrees that the upper and the lower edge rise, and that both turn to the temple
LID_MOVES: dict[str, tuple[float, float, float]] = {
    "eyeWide": (7.5, -2.0, 0.0),
    "eyeSquint": (-3.0, 9.0, 0.0),
    "eyeLookUp": (8.0, 2.5, 0.0),
    "eyeLookDown": (-17.0, -5.0, 0.0),
    "eyeLookIn": (0.0, 0.0, -4.0),
    "eyeLookOut": (0.0, 0.0, 4.0),
    "cheekSquint": (0.0, 5.0, 0.0),
}
# key: where (centre, radius) and how far the skin goes; left side
Bump = tuple[tuple[float, float, float], float, tuple[float, float, float]]
BUMPS: dict[str, tuple[Bump, ...]] = {
    "browDown": (((1.3, -8.3, 3.9), 1.5, (-0.28, -0.1, -0.5)), ((3.3, -7.7, 4.4), 1.7, (-0.2, -0.1, -0.55))),
    "browInnerUp": (((1.2, -8.4, 4.2), 1.5, (-0.08, 0.05, 0.85)), ((0.9, -8.2, 6.2), 1.6, (0, 0.05, 0.35))),
    "browOuterUp": (((4.4, -7.0, 4.6), 1.6, (0.12, 0.12, 0.8)), ((2.9, -7.8, 4.6), 1.4, (0.02, 0.06, 0.4))),
    "cheekPuff": (((4.2, -6.4, -4.7), 2.2, (1.15, -0.8, 0.0)),),
    "cheekSquint": (((3.9, -7.2, -1.4), 1.5, (0.0, -0.3, 0.6)),),
    "noseSneer": (
        ((0.95, -8.9, -1.9), 0.9, (0.06, -0.05, 0.42)), ((1.8, -8.1, -2.2), 1.1, (0.05, -0.15, 0.35)),
        ((1.2, -8.3, 3.8), 1.3, (-0.12, -0.05, -0.22)),
    ),
    "mouthSmile": (((3.9, -7.0, -2.4), 1.6, (0.15, -0.28, 0.4)),),
    "eyeSquint": (((3.6, -7.6, -0.9), 1.3, (0.0, -0.12, 0.25)),),
    "eyeBlink": (((3.4, -7.8, 3.7), 1.0, (0, 0, -0.08)),),
}  # fmt: skip


def bumps(name: str, points: Array, both: bool = False) -> Array:
    """Soft pushes of the skin at points (V, 3); on the left side, or on both."""
    out = np.zeros_like(points)
    for centre, radius, way in BUMPS.get(name, ()):
        for side in (1.0, -1.0) if both else (1.0,):
            sign = np.array([side, 1.0, 1.0])
            near = np.exp(-(((points - np.array(centre) * sign) ** 2).sum(axis=1)) / radius**2)
            out += near[:, None] * np.array(way) * sign
    return out


def lid_at(
    ring: int, along: Array, upper: Array, rise: tuple[Array | float, Array | float, float], lift: float = 1.0
) -> Array:
    """A loop of the left lids whose upper and lower edges have risen (degrees) and turned outwards."""
    azimuth, elevation, radius = lid_angles(ring, along, upper)
    follow = FOLLOW[ring]
    blend = np.where(upper > 0, rise[0], np.where(upper < 0, rise[1], 0.0))
    gone = np.minimum(np.abs(blend) / 38.0, 1.0) * lift
    end = radius + (CLOSED_RADIUS - radius) * gone * follow * (0.85 if ring >= 8 else 1.0)
    return on_eye(azimuth + rise[2] * follow, elevation + blend * follow, np.maximum(end, radius))


def blink_rise(along: Array) -> tuple[Array, Array, float]:
    """Degrees that the edges go until they meet."""
    ones = np.ones_like(along)
    closed = lid_closed(along)
    return closed - lid_margin(along, ones)[1], closed - lid_margin(along, -ones)[1], 0.0


def lid_rise(name: str, along: Array) -> tuple[Array | float, Array | float, float] | None:
    """How the lids' edges go in a key, away from the corners of the eye; None if the key leaves them."""
    if name == "eyeBlink":
        return blink_rise(along)
    if name not in LID_MOVES:
        return None
    up, low, turn = LID_MOVES[name]
    bow = np.sin(np.pi * along) ** 0.6
    return up * bow, low * bow, turn


class LidKeys:
    """Makes the displacements (V, 3) of the left eye's keys, of brows, cheeks and nose."""

    def __init__(self, skin: Skin, spreader: Spreader) -> None:
        self.skin, self.spreader = skin, spreader
        self.left = skin.points[:, 0] > 0
        quiet = np.array([1, 1, 0.9, 0.6, 0.35, 0.15, 0.05, 0, 0, 0])[np.clip(skin.ring, 0, 9)]
        self.loose = np.where(skin.zone == LIDS, quiet, 1.0)[:, None]  # brows and cheeks do not pull the lids' edge

    def lids(self, name: str) -> Array:
        """What the key does to the loops of the left eye, carried a little over the skin about it."""
        values = np.zeros_like(self.skin.points)
        ours = self.skin.is_ring(LIDS, 3, SOCKET)
        for ring in range(3, SOCKET + 1):
            at = np.flatnonzero(self.skin.is_ring(LIDS, ring) & self.left)
            along, upper = self.skin.along[at], self.skin.upper[at]
            rise = lid_rise(name, along)
            if rise is None:
                return values
            values[at] = lid_at(ring, along, upper, rise) - self.skin.points[at]
        return self.spreader(values, ours, 0.7)

    def push(self, name: str, both: bool = False) -> Array:
        """The key's soft pushes on the skin."""
        return np.asarray(bumps(name, self.skin.points, both) * self.loose)
