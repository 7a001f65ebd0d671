"""The keys of the mouth and the jaw: what each loop of the lips does, in centimetres."""

from __future__ import annotations

import numpy as np

from .form import HINGE, MOUTH, Array, rotation, smoothstep
from .loops import BORDER, CONTACT, EDGE, SULCUS
from .skin import GRID, LIDS, LIPS, Skin
from .spread import Spreader

OPEN_RAD = np.radians(22.0)  # how far jawOpen = 1 turns the jaw
Vector = tuple[float, float, float]
# Where a lip is told to go: upper middle, upper half-way, corner, lower half-way, lower middle; x is outwards.
Lips = tuple[Vector, Vector, Vector, Vector, Vector]

# key: (reach over the cheeks, the lips' outer border, the lips' inner edge or None for the same)
# Measured on scanned faces, then drawn a little larger: a smile moves the corner by a third of the mouth's width.
BOTH: dict[str, tuple[float, Lips, Lips | None]] = {
    "mouthFunnel": (
        1.3,
        ((0, -0.6, 0.45), (-0.35, -0.7, 0.32), (-0.5, -0.75, 0.0), (-0.25, -0.75, -0.45), (0, -0.5, -0.6)),
        ((0, -0.8, 0.6), (-0.3, -0.85, 0.42), (-0.5, -0.75, 0.0), (-0.2, -0.9, -0.62), (0, -0.8, -0.85)),
    ),
    "mouthPucker": (
        1.4,
        ((0, -0.75, 0.12), (-0.42, -0.75, 0.02), (-0.95, -0.75, 0.05), (-0.42, -0.75, 0.05), (0, -0.65, -0.12)),
        ((0, -0.95, 0.05), (-0.45, -0.95, 0.02), (-0.95, -0.8, 0.05), (-0.45, -0.95, 0.0), (0, -0.95, -0.05)),
    ),
    "mouthLeft": (2.8, ((1.0, 0.05, 0.05),) * 5, None),
    "mouthShrugLower": (
        1.2,
        ((0, -0.08, 0.12), (0, -0.06, 0.1), (0, -0.1, 0.05), (0, -0.35, 0.55), (0, -0.45, 0.7)),
        ((0, -0.12, 0.16), (0, -0.1, 0.12), (0, -0.1, 0.05), (0, -0.3, 0.12), (0, -0.35, 0.16)),
    ),
    "mouthShrugUpper": (
        1.2,
        ((0, -0.15, 0.5), (0, -0.1, 0.4), (0, 0, 0.05), (0, 0, 0), (0, 0, 0)),
        ((0, -0.12, 0.3), (0, -0.1, 0.22), (0, 0, 0.05), (0, 0, 0), (0, 0, 0)),
    ),
    "cheekPuff": (
        1.8,
        ((0, -0.3, 0.1), (0, -0.35, 0.08), (-0.1, -0.5, 0.0), (0, -0.35, -0.08), (0, -0.3, -0.1)),
        ((0, -0.3, 0.0), (0, -0.35, 0.0), (-0.1, -0.5, 0.0), (0, -0.35, 0.0), (0, -0.3, 0.0)),
    ),
    "tongueOut": (
        1.0,
        ((0, -0.05, 0.1), (0, 0, 0.08), (0, 0, 0), (0, -0.1, -0.3), (0, -0.15, -0.45)),
        ((0, -0.1, 0.22), (0, -0.05, 0.15), (0, 0, 0), (0, -0.15, -0.45), (0, -0.2, -0.65)),
    ),
}
ONE_SIDE: dict[str, tuple[float, Lips, Lips | None]] = {
    "mouthSmile": (
        1.9,
        ((0, 0.2, 0.22), (0.4, 0.35, 0.32), (0.95, 0.75, 0.98), (0.4, 0.3, 0.42), (0, 0.15, 0.3)),
        ((0, 0.2, 0.22), (0.42, 0.3, 0.38), (0.92, 0.72, 0.98), (0.42, 0.3, 0.38), (0, 0.2, 0.22)),
    ),
    "mouthFrown": (
        1.6,
        ((0, 0, -0.06), (0.05, 0.02, -0.22), (0.2, 0.15, -0.75), (0.05, 0.02, -0.22), (0, 0, 0.04)),
        None,
    ),
    "mouthDimple": (
        1.0,
        ((0, 0, 0), (0.12, 0.1, 0.02), (0.45, 0.55, 0.18), (0.12, 0.1, 0.05), (0, 0.02, 0.02)),
        None,
    ),
    "mouthStretch": (
        1.6,
        ((0, 0.08, 0), (0.35, 0.2, -0.06), (0.85, 0.6, -0.3), (0.35, 0.2, -0.1), (0, 0.08, -0.04)),
        None,
    ),
    "mouthPress": (
        1.0,
        ((0, 0.08, -0.2), (0, 0.06, -0.18), (0.05, 0.05, 0.06), (0, 0.06, 0.26), (0, 0.08, 0.3)),
        ((0, 0.1, 0.04), (0, 0.1, 0.04), (0.05, 0.05, 0.06), (0, 0.1, 0.04), (0, 0.1, 0.04)),
    ),
    "mouthLowerDown": (
        1.2,
        ((0, 0, 0), (0, 0, 0), (0, 0, -0.06), (0.06, 0.0, -0.65), (0, 0.05, -0.62)),
        ((0, 0, 0), (0, 0, 0), (0, 0, -0.06), (0.06, -0.05, -0.78), (0, -0.05, -0.72)),
    ),
    "mouthUpperUp": (
        1.2,
        ((0, 0.02, 0.66), (0.06, 0.02, 0.7), (0.02, 0, 0.15), (0, 0, 0), (0, 0, 0)),
        ((0, 0.0, 0.72), (0.06, 0.0, 0.74), (0.02, 0, 0.15), (0, 0, 0), (0, 0, 0)),
    ),
    "noseSneer": (
        1.0,
        ((0, 0, 0.26), (0.02, 0, 0.32), (0, 0, 0.06), (0, 0, 0), (0, 0, 0)),
        ((0, 0, 0.08), (0.01, 0, 0.1), (0, 0, 0.03), (0, 0, 0), (0, 0, 0)),
    ),
}
# mouthRoll: how (back, towards the other lip) each loop from the border inwards goes, as the lip curls over the teeth.
ROLL = {4: (0.3, 0.5), 5: (0.62, 0.5), 6: (0.78, 0.36), 7: (0.8, 0.2), 8: (0.72, 0.08), 9: (0.5, 0.0), 10: (0.3, -0.05)}
# The deeper the loop, the less it follows the lips' edge.
FOLLOW = {8: 1.0, 9: 1.0, 10: 0.95, 11: 0.75, 12: 0.45, 13: 0.1, 14: 0.0, 15: 0.0}


def along_lip(along: Array, middle: Vector, half: Vector, corner: Vector) -> Array:
    """A smooth, symmetric course through three vectors, (V, 3)."""
    s = along[:, None]
    a, b, c = np.array(middle, float), np.array(half, float), np.array(corner, float)
    quartic = ((b - a) - (c - a) / 4) / (1 / 16 - 1 / 4)
    even = a + (c - a - quartic) * s**2 + quartic * s**4
    cubic = (2 * b - c) / (1 / 4 - 1)
    odd = (c - cubic) * s + cubic * s**3  # what goes outwards is nothing in the middle
    return np.concatenate([odd[:, :1], even[:, 1:]], axis=1)


class MouthKeys:
    """Makes the displacements (V, 3) of the keys that move lips and jaw."""

    def __init__(self, skin: Skin, spreader: Spreader) -> None:
        self.skin, self.spreader = skin, spreader
        self.side = np.sign(skin.points[:, 0])[:, None]
        self.lips = skin.is_ring(LIPS, BORDER, 15)
        self.still = skin.is_ring(LIDS, 3, 9) | ((skin.zone == GRID) & (skin.points[:, 2] < -12.5))
        self.jaw = self._jaw_weights()

    def _course(self, lips: Lips) -> Array:
        """What the five vectors say on every vertex of the mouth's loops; the corner is shared."""
        up, low = along_lip(self.skin.along, *lips[:3]), along_lip(self.skin.along, *lips[:1:-1])
        return np.where(self.skin.upper[:, None] >= 0, up, low)

    def lip_move(self, border: Lips, edge: Lips | None) -> Array:
        """Displacement of the mouth's loops alone: from the border's to the edge's, then fading inwards."""
        outer, inner = self._course(border), self._course(edge or border)
        ring = self.skin.ring
        t = np.clip((ring - BORDER) / (EDGE - BORDER), 0, 1)[:, None]
        follow = np.array([FOLLOW.get(r, 1.0) for r in range(16)])[np.clip(ring, 0, 15)][:, None]
        return np.where(self.lips[:, None], (outer + (inner - outer) * t) * follow, 0.0)

    def spread(self, values: Array, reach: float) -> Array:
        """The lips' displacement carried over the cheeks and the chin."""
        return self.spreader(np.where(self.lips[:, None], values, 0.0), self.lips | self.still, reach)

    def pair(self, name: str) -> Array:
        """A key of one side: the whole mouth's move, kept on the left and gone on the right."""
        reach, border, edge = ONE_SIDE[name]
        values = self.lip_move(border, edge)
        values[:, :1] *= self.side
        return self.spread(values * smoothstep(-0.9, 0.9, self.skin.points[:, :1]), reach)

    def both(self, name: str) -> Array:
        """A key that is the same on both sides; mouthLeft alone goes one way."""
        reach, border, edge = BOTH[name]
        if name == "mouthLeft":
            shift = np.array(border[0]) * np.ones_like(self.skin.points)
            follow = np.array([FOLLOW.get(r, 1.0) for r in range(16)])[np.clip(self.skin.ring, 0, 15)][:, None]
            tip = smoothstep(-4.0, 4.0, self.skin.points[:, :1]) * np.array([0.0, 0.0, 0.45])
            return self.spread((shift + tip - [0, 0, 0.1]) * follow, reach)
        values = self.lip_move(border, edge)
        values[:, :1] *= self.side
        return self.spread(values, reach)

    def roll(self, upper: int) -> Array:
        """mouthRollUpper (1) or mouthRollLower (-1): the lip curls in over the teeth."""
        table = np.array([ROLL.get(r, (0.0, 0.0)) for r in range(16)])[np.clip(self.skin.ring, 0, 15)]
        strength = (1 - self.skin.along**3) * (self.skin.upper == upper)
        values = np.stack([0 * strength, table[:, 0], -upper * table[:, 1]], axis=-1) * strength[:, None]
        return self.spread(values, 0.9)

    def _jaw_weights(self) -> Array:
        """How much each vertex belongs to the jaw, (V, 1): 1 on chin and lower lip, 0 on the skull."""
        arm = self.skin.points - HINGE
        angle = np.degrees(np.arctan2(-arm[:, 2], -arm[:, 1]))  # seen from the side; 0 ahead, 90 down
        weight = (
            smoothstep(12, 40, angle)
            * (1 - smoothstep(58, 92, angle))
            * smoothstep(1.0, 5.0, np.hypot(arm[:, 1], arm[:, 2]))
        )
        s, upper, ring = self.skin.along, self.skin.upper, self.skin.ring
        lip = np.where(upper >= 0, 0.02 + 0.40 * s**2.2, 0.42 + 0.58 * np.cos(np.pi / 2 * s) ** 0.9)
        deep = np.array([1.0] * 12 + [1.0, 0.85, 0.5, 0.2])[np.clip(ring, 0, 15)]
        weight = np.where(self.lips, lip * deep, weight)
        near = np.linalg.norm((self.skin.points - MOUTH) / [1.25, 1.6, 0.85], axis=1) < 2.5
        free = (self.skin.is_ring(LIPS, 1, BORDER - 1) | ((self.skin.zone == GRID) & near)) & ~self.lips
        return self.spreader(np.repeat(weight[:, None], 3, axis=1), ~free, 1e3)[:, :1]

    def jaw_open(self, points: Array | None = None, weight: Array | float | None = None) -> Array:
        """The jaw turned about its hinge; a key is linear, so halfway is the chord's middle (2 % inside the arc)."""
        points = self.skin.points if points is None else points
        arm = points - HINGE
        return np.asarray((arm @ rotation("x", OPEN_RAD).T - arm) * (self.jaw if weight is None else weight))

    def mouth_close(self) -> Array:
        """What brings both lips to one line over the open jaw, exactly, at every equal value of the two keys."""
        together = along_lip(self.skin.along, (0, 0.06, -0.16), (0, 0.05, -0.12), (0, 0.0, -0.1))
        values = (together - self.jaw_open()) * (self.skin.ring <= CONTACT)[:, None]
        inside = self.skin.is_ring(LIPS, CONTACT + 1, SULCUS)
        values[inside] = (0.55 * (together - self.jaw_open()))[inside]
        return self.spread(values, 1.25)
