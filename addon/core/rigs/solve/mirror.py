"""The plane that a head is symmetric about, found from where its keys move it."""

from __future__ import annotations

import numpy as np

from .shapes import Array, Shapes, Traits, drawn, heat

SAMPLE = 700  # points that are compared with their mirror images
ROUNDS = 12
KEPT = 0.8  # of the points: the others may have no twin (a parting, a scar)
NEAR = 2.5  # the face, in units of how far moved points lie from their middle
TWINS = 0.15  # two keys may be a left and a right one when their spread and reach differ by less than this


def mirror_plane(shapes: Shapes, traits: Traits) -> tuple[Array, float]:
    """Normal (3,) and offset of the plane: a point p lies on it when p @ normal == offset."""
    warm = heat(shapes) * shapes.areas
    middle = warm @ shapes.points / warm.sum()
    away = np.linalg.norm(shapes.points - middle, axis=1)
    radius = NEAR * np.sqrt(warm @ away**2 / warm.sum())
    weight = np.where(away < radius, shapes.areas, 0.0) + 1e-3 * warm
    count = min(SAMPLE, int(np.count_nonzero(weight)))
    points = shapes.points[drawn(weight, count)]
    results = [_refined(points, normal, middle) for normal in _candidates(points, traits)]
    return min(results, key=lambda found: found[0])[1:]


def _candidates(points: Array, traits: Traits) -> list[Array]:
    """Main axes of the points, and the direction that most pairs of like keys lie apart in."""
    axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2]
    apart = traits.centre[:, None] - traits.centre[None]
    length = np.linalg.norm(apart, axis=2)
    alike = np.ones(length.shape, bool)
    for value in (traits.spread, traits.reach):
        alike &= np.abs(np.log(np.maximum(value[:, None], 1e-12) / np.maximum(value[None], 1e-12))) < TWINS
    ways = apart[alike & (length > 0.3 * traits.spread.mean())]
    if not len(ways):
        return list(axes)
    ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    votes = (np.abs(ways @ ways.T) > np.cos(np.radians(8))).sum(axis=1)
    return [*axes, ways[int(votes.argmax())]]


def _refined(points: Array, normal: Array, middle: Array) -> tuple[float, Array, float]:
    """How far points and mirror images are apart once the plane has settled, and the plane."""
    offset = float(middle @ normal)
    apart = np.inf
    for _ in range(ROUNDS):
        images = points - 2 * ((points @ normal) - offset)[:, None] * normal
        squares = (images**2).sum(axis=1)[:, None] - 2 * images @ points.T + (points**2).sum(axis=1)[None]
        twins = squares.argmin(axis=1)
        distance = np.maximum(squares[np.arange(len(points)), twins], 0)
        good = distance <= np.quantile(distance, KEPT)
        apart = float(distance[good].mean())
        between = (points - points[twins])[good]
        halfway = ((points + points[twins]) / 2)[good]
        # The plane of the midpoints whose normal is the way from twin to twin; both say where it lies.
        spread = between.T @ between / len(between) - 4 * np.cov(halfway.T)
        turned = np.linalg.eigh(spread)[1][:, -1]
        normal = np.asarray(turned * (1.0 if turned @ normal >= 0 else -1.0))
        offset = float(np.median(halfway @ normal))
    return apart, normal, offset
