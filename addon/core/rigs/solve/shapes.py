"""What a head's keys do to its vertices, and what can be said of each key without knowing its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

STILL = 1e-4  # of the largest displacement: a key that moves less moves nothing
QUIET = 0.06  # of a key's largest displacement
COLD = 0.02  # what points that no key moves count, so that some are kept
MOST_POINTS = 4000  # a head is known as well by these as by half a million


@dataclass(frozen=True)
class Shapes:
    """All of a character's meshes as one cloud, and how far each key moves each of its points."""

    points: Array  # (V, 3), any unit, any orientation
    areas: Array  # (V,) how much surface each point stands for
    moves: Array  # (K, V, 3)
    names: tuple[str, ...]  # K

    def placed(self, turn: Array, shift: Array, scale: Array) -> Shapes:
        """The same where a point p is at scale * (turn @ p) + shift; scale is (3,)."""
        size = float(scale.prod()) ** (1 / 3)
        return replace(
            self,
            points=self.points @ turn.T * scale + shift,
            areas=self.areas * size**2,
            moves=self.moves @ turn.T * scale,
        )

    def chosen(self, rows: Index) -> Shapes:
        """These points alone, each standing for its share of the surface."""
        whole, kept = self.areas.sum(), self.areas[rows].sum()
        areas = self.areas[rows] * (whole / kept if kept else 1.0)
        return replace(self, points=self.points[rows], areas=areas, moves=self.moves[:, rows])


def joined(head: Shapes, more: Shapes) -> Shapes:
    """The head with further keys on the same points."""
    return replace(head, moves=np.concatenate([head.moves, more.moves]), names=(*head.names, *more.names))


def picked(head: Shapes, keys: Sequence[int]) -> Shapes:
    """The head with these keys alone."""
    return replace(head, moves=head.moves[list(keys)], names=tuple(head.names[key] for key in keys))


def vertex_areas(points: Array, triangles: Index) -> Array:
    """The surface that each vertex stands for, (V,): a third of every triangle (F, 3) about it."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    each = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    return np.asarray(np.bincount(triangles.ravel(), np.repeat(each, 3), len(points)), np.float64)


def quieted(shapes: Shapes) -> Shapes:
    """Without the noise of scans and of roundings: a point that hardly moves in a key stands still in it."""
    size = np.sqrt((shapes.moves**2).sum(axis=2))  # (K, V)
    loud = size > QUIET * size.max(axis=1, keepdims=True, initial=0)
    return replace(shapes, moves=shapes.moves * loud[..., np.newaxis])


def moving(shapes: Shapes) -> Shapes:
    """Without the keys that move nothing."""
    reach = np.sqrt((shapes.moves**2).sum(axis=2).max(axis=1, initial=0))
    live = reach > STILL * reach.max(initial=0)
    return replace(
        shapes, moves=shapes.moves[live], names=tuple(n for n, k in zip(shapes.names, live, strict=True) if k)
    )


def heat(shapes: Shapes) -> Array:
    """How much the keys move each point, (V,): the sum of the squares, each key's largest being 1."""
    squares = (shapes.moves**2).sum(axis=2)  # (K, V)
    return np.asarray((squares / np.maximum(squares.max(axis=1, keepdims=True), 1e-30)).sum(axis=0))


def thinned(shapes: Shapes, count: int = MOST_POINTS) -> Shapes:
    """At most `count` points, most of them where the keys move something; the same ones every time."""
    if len(shapes.points) <= count:
        return shapes
    return sampled(shapes, np.sqrt(shapes.areas * (COLD + heat(shapes))), count)


def sampled(shapes: Shapes, weight: Array, count: int) -> Shapes:
    """`count` points drawn with these weights (V,), each with the surface of those that it stands for."""
    rows = drawn(weight, count)
    share = np.minimum(1.0, count * weight[rows] / weight.sum())
    return replace(shapes, points=shapes.points[rows], moves=shapes.moves[:, rows], areas=shapes.areas[rows] / share)


def drawn(weight: Array, count: int) -> Index:
    """`count` different rows, (count,), drawn with these weights; the same ones every time."""
    rng = np.random.default_rng(0)
    race = rng.exponential(size=len(weight)) / np.maximum(weight, 1e-300)  # Efraimidis and Spirakis 2006
    return np.sort(np.argpartition(race, count - 1)[:count])


@dataclass(frozen=True)
class Traits:
    """What each of K keys does, in a few numbers."""

    centre: Array  # (K, 3) where
    spread: Array  # (K,) over what distance
    drift: Array  # (K, 3) where to, of length 0 (as much one way as the other) to 1
    reach: Array  # (K,) how far at most


def traits(shapes: Shapes) -> Traits:
    """The traits of every key, each point counted by its area and the square of its move."""
    squares = (shapes.moves**2).sum(axis=2)
    weight = squares * shapes.areas
    weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-30)
    centre = weight @ shapes.points
    spread = np.sqrt(np.maximum((weight @ (shapes.points**2) - centre**2).sum(axis=1), 1e-12))
    size = np.sqrt(squares)
    share = size * shapes.areas
    drift = np.einsum("kv,kvi->ki", shapes.areas * np.ones_like(size), shapes.moves)
    drift = drift / np.maximum(share.sum(axis=1, keepdims=True), 1e-30)
    largest = size.max(axis=1, initial=0)
    return Traits(centre, spread, drift, np.maximum(np.quantile(size, 0.999, axis=1), 0.1 * largest))
