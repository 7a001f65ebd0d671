"""The skin's mesh: a grid about the head with concentric loops for the mouth and the eyes, its halves exact mirrors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import form
from .form import Array
from .loops import BORDER, SOCKET, THROAT, lid_ring, lip_ring

GRID, LIPS, LIDS = 0, 1, 2  # zones

AZIMUTHS = np.radians(
    [0, 2.3, 4.6, 7, 9.4, 11.9, 14.4, 17, 19.6, 22.6, 25.8, 29.2, 32.8, 36.6, 40.6, 46, 52, 59, 67, 76, 86]
    + [97, 109, 121, 133, 145, 157, 169, 180]
)  # fmt: skip
CROWN_DEG = (80, 68, 57, 47, 39)
FACE_Z = (7.4, 6.3, 5.3, 4.4, 3.6, 2.8, 2.0, 1.1, 0.3, -0.5, -1.2, -1.65, -2.05, -2.45, -2.85)
FACE_Z += (-3.4, -4.05, -4.7, -5.4, -6.1, -6.8, -7.45, -8.0, -8.6, -9.2)
UNDER = ((-3.3, -50), (-4.6, -57), (-6.4, -58), (-8.6, -48), (-10.6, -32), (-12.4, -14), (-14.6, 0), (-17.0, 0))
EYE_ROWS, EYE_COLS = (9, 15), (3, 13)
MOUTH_ROWS, MOUTH_COLS = (20, 26), (0, 8)


@dataclass
class Skin:
    """Vertices (V, 3), faces, and what each vertex is: its zone, ring, place along the ring and mirror image."""

    points: Array
    faces: list[tuple[int, ...]]
    zone: Array
    ring: Array
    along: Array  # mouth: 0 in the middle, 1 in the corner; eye: 0 at the nose, 1 at the temple
    upper: Array  # 1 upper lip or lid, -1 lower, 0 corner
    mirror: Array  # (V,) index of the vertex on the other side

    def is_ring(self, zone: int, first: int, last: int | None = None) -> Array:
        """Which vertices lie in these rings, (V,) bool."""
        return np.asarray((self.zone == zone) & (self.ring >= first) & (self.ring <= (first if last is None else last)))


class _Half:
    """Collects the left half: vertices with their labels, and faces."""

    def __init__(self) -> None:
        self.points: list[Array] = []
        self.labels: list[tuple[int, int, float, int]] = []
        self.faces: list[tuple[int, ...]] = []

    def add(self, point: Array, zone: int = GRID, ring: int = 0, along: float = 0.0, upper: int = 0) -> int:
        self.points.append(point)
        self.labels.append((zone, ring, along, upper))
        return len(self.points) - 1

    def rings(self, outer: list[int], zone: int, last: int, along: Array, upper: Array, closed: bool) -> list[int]:
        """Loops from the grid's hole inwards; the first ones only interpolate, to be relaxed later."""
        make, first = (lip_ring, BORDER) if zone == LIPS else (lid_ring, 3)
        start = np.array([self.points[i] for i in outer])
        target = make(first, along, upper)
        for ring in range(1, last + 1):
            at = make(ring, along, upper) if ring >= first else start + (target - start) * ring / first
            inner = [self.add(p, zone, ring, float(s), int(k)) for p, s, k in zip(at, along, upper, strict=True)]
            span = len(outer) if closed else len(outer) - 1
            for m in range(span):
                n = (m + 1) % len(outer)
                self.faces.append((outer[m], inner[m], inner[n], outer[n]))
            outer = inner
        return outer


def _grid_points() -> Array:
    """Where the grid's lines meet on the form, (rows, columns, 3), from the crown to the neck."""
    turn = (1 - np.cos(AZIMUTHS)) / 2  # 0 in front, 1 at the back
    rows = [(2.0 + 0 * turn, 9 * np.tan(np.radians(deg)) + 0 * turn) for deg in CROWN_DEG]
    for z in FACE_Z:
        origin = 2.0 if z > 2 else 2.0 * z / 2 if z > 0 else 0.3 * z
        rows.append((origin + 0 * turn, (z + (0.62 * z - z) * turn - origin) * (1.0 if z > 3 else 0.92)))
    for origin, deg in UNDER:
        rows.append((origin + 0 * turn, 9 * np.tan(np.radians(deg * (1 - 0.65 * turn)))))
    out = []
    for origin, lift in rows:
        way = np.stack([9 * np.sin(AZIMUTHS), -9 * np.cos(AZIMUTHS), lift], axis=-1)
        way /= np.linalg.norm(way, axis=-1, keepdims=True)
        out.append(form.cast(np.stack([0 * turn, 0.8 + 0 * turn, origin], axis=-1), way))
    points = np.array(out)
    points[:, [0, -1], 0] = 0.0
    return points


def _fill(half: _Half) -> None:
    """The grid, its two holes and the loops in them."""
    at = _grid_points()
    rows, cols = at.shape[:2]
    inside, hole = np.zeros((rows, cols), bool), np.zeros((rows, cols), bool)  # of vertices, of faces
    for (r0, r1), (c0, c1) in ((EYE_ROWS, EYE_COLS), (MOUTH_ROWS, MOUTH_COLS)):
        inside[r0 + 1 : r1, (c0 + 1 if c0 else 0) : c1] = True
        hole[r0:r1, c0:c1] = True
    ids = np.array([[-1 if inside[i, j] else half.add(at[i, j]) for j in range(cols)] for i in range(rows)])
    top = half.add(form.cast(np.array([[0.0, 0.8, 2.0]]), np.array([[0.0, 0.0, 1.0]]))[0])
    half.faces += [(top, ids[0, j], ids[0, j + 1]) for j in range(cols - 1)]
    half.faces += [
        (ids[i, j], ids[i + 1, j], ids[i + 1, j + 1], ids[i, j + 1])
        for i in range(rows - 1)
        for j in range(cols - 1)
        if not hole[i, j]
    ]
    _add_mouth(half, ids)
    _add_eye(half, ids)


def _add_mouth(half: _Half, ids: Array) -> None:
    """Half the mouth's loops, from the middle above over the corner to the middle below, and the throat's end."""
    (r0, r1), (_, c1) = MOUTH_ROWS, MOUTH_COLS
    around = [*ids[r0, : c1 + 1], *ids[r0 + 1 : r1 + 1, c1], *ids[r1, :c1][::-1]]
    place = np.linspace(-1, 1, len(around))
    throat = half.rings(around, LIPS, THROAT, 1 - np.abs(place), -np.sign(np.round(place, 9)), closed=False)
    last = len(throat) // 2 - 1
    for m in range(last):
        half.faces.append((throat[m], throat[-1 - m], throat[-2 - m], throat[m + 1]))
    half.faces.append((throat[last], throat[-1 - last], throat[last + 1]))


def _add_eye(half: _Half, ids: Array) -> None:
    """The eye's loops, from the nose over the upper lid to the temple and back along the lower one."""
    (r0, r1), (c0, c1) = EYE_ROWS, EYE_COLS
    mid = (r0 + r1) // 2
    over = [*ids[r0 : mid + 1, c0][::-1], *ids[r0, c0 + 1 : c1 + 1], *ids[r0 + 1 : mid + 1, c1]]
    under = [*ids[mid + 1 : r1 + 1, c1], *ids[r1, c0:c1][::-1], *ids[mid + 1 : r1, c0][::-1]]
    up, down = np.linspace(0, 1, len(over)), np.linspace(1, 0, len(under) + 2)[1:-1]
    upper = np.concatenate([np.ones(len(up)), -np.ones(len(down))])
    upper[[0, len(up) - 1]] = 0
    half.rings(over + under, LIDS, SOCKET, np.concatenate([up, down]), upper, closed=True)


def _mirrored(half: _Half) -> Skin:
    points = np.array(half.points)
    points[np.abs(points[:, 0]) < 1e-6, 0] = 0.0
    labels = np.array(half.labels, float)
    off = np.flatnonzero(points[:, 0] > 0)
    twin = np.arange(len(points))
    twin[off] = len(points) + np.arange(len(off))
    mirror = np.concatenate([twin, off])
    faces = half.faces + [tuple(int(twin[i]) for i in reversed(face)) for face in half.faces]
    faces = [tuple(int(i) for i in face) for face in faces]
    everything = np.concatenate([points, points[off] * [-1, 1, 1]])
    labels = np.concatenate([labels, labels[off]])
    return Skin(
        everything, faces, labels[:, 0].astype(int), labels[:, 1].astype(int), labels[:, 2], labels[:, 3], mirror
    )


class Neighbours:
    """Sums over the vertices that share an edge with each vertex."""

    def __init__(self, faces: list[tuple[int, ...]], count: int) -> None:
        near: list[set[int]] = [set() for _ in range(count)]
        for face in faces:
            for a, b in zip(face, (*face[1:], face[0]), strict=True):
                near[a].add(b)
                near[b].add(a)
        self.flat = np.array([v for ring in near for v in sorted(ring)])
        self.count = np.array([[len(ring)] for ring in near], float)  # (V, 1)
        self.starts = np.concatenate([[0], np.cumsum(self.count[:-1, 0])]).astype(int)

    def total(self, values: Array) -> Array:
        """The sum over each vertex's neighbours, (V, 3)."""
        return np.asarray(np.add.reduceat(values[self.flat], self.starts, axis=0))


def _relax(skin: Skin, rounds: int = 14) -> None:
    """Evens the grid and the outer loops out along the form; lips and lids stay where they are."""
    near = Neighbours(skin.faces, len(skin.points))
    free = (skin.zone == GRID) | skin.is_ring(LIPS, 1, BORDER - 1) | skin.is_ring(LIDS, 1, 2)
    edge = skin.points[:, 2] < skin.points[skin.zone == GRID, 2].min() + 0.6
    free &= ~edge
    strength = np.where(skin.zone == GRID, 0.03, 0.2)[:, None] * free[:, None]
    for _ in range(rounds):
        target = near.total(skin.points) / near.count
        moved = skin.points + strength * (target - skin.points)
        moved[free] = form.project(moved[free], 1)
        twin = moved[skin.mirror] * [-1, 1, 1]
        skin.points = (moved + twin) / 2
    skin.points[free] = form.project(skin.points[free], 3)
    skin.points = (skin.points + skin.points[skin.mirror] * [-1, 1, 1]) / 2


def build() -> Skin:
    """The skin at rest."""
    half = _Half()
    _fill(half)
    skin = _mirrored(half)
    _relax(skin)
    return skin
