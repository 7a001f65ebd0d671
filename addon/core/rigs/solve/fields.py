"""A key's displacement as seen from fixed sites of the face, so that heads of any topology can be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .shapes import Array, Shapes, heat

SITES = 160
WIDTHS_CM = (0.7, 0.35)  # of the windows: faces differ by some millimetres, lips and lids are small
COARSE_CM = 1.3
COUNTS = (1.0, 2.0) * len(WIDTHS_CM)  # how much means and gradients count: a lip's two sides differ in the gradient
SPARSE = 0.15  # a site about which there is this much of the usual surface counts half
WARM = 0.05  # sites lie where the keys move at least this much of what they move most
REACH_CM = 2.0  # a point further from all sites is no part of the face


@dataclass(frozen=True)
class Fields:
    """For each window's width: mean displacement (K, S * 3) about each site, and how it varies there (K, S * 9)."""

    blocks: tuple[Array, ...]
    coarse: Array  # (K, S * 12) both under a window so wide that heads of other proportions agree
    within: Array  # (K,) share of each key's motion that lies on the face


def sites(reference: Shapes) -> Array:
    """Where to look, (S, 3): evenly spread over what the reference's keys move, the same to its left and right."""
    warmth = heat(reference)
    half = np.flatnonzero((warmth > WARM * warmth.max()) & (reference.points[:, 0] >= 0))
    points = reference.points[half]
    picked = [int(warmth[half].argmax())]
    away = np.linalg.norm(points - points[picked[0]], axis=1)
    while len(picked) < min(SITES // 2, len(points)):
        picked.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(points - points[picked[-1]], axis=1))
    left = points[picked]
    return np.concatenate([left, left * [-1.0, 1.0, 1.0]])


def fields(shapes: Shapes, at: Array) -> Fields:
    """What each key does about these sites (S, 3); the head lies on the reference already."""
    squares = _squares(at, shapes.points)
    blocks: list[Array] = []
    for width in WIDTHS_CM:
        blocks += _block(shapes, squares, width)
    size = (shapes.moves**2).sum(axis=2) * shapes.areas
    near = squares.min(axis=0) < REACH_CM**2
    coarse = np.concatenate(_block(shapes, squares, COARSE_CM), axis=1)
    return Fields(tuple(blocks), coarse, size[:, near].sum(axis=1) / np.maximum(size.sum(axis=1), 1e-30))


def _squares(a: Array, b: Array) -> Array:
    return np.asarray(np.maximum((a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)[None], 0))


def _block(shapes: Shapes, squares: Array, width: float) -> tuple[Array, Array]:
    """Mean and gradient of the moves under one window, for all keys at once."""
    keys, count = shapes.moves.shape[:2]
    window = np.exp(-squares / (2 * width**2)) * shapes.areas  # (S, V)
    surface = window.sum(axis=1)
    window /= np.maximum(surface, 1e-30)[:, None]
    trust = np.sqrt(surface / (surface + SPARSE * np.median(surface)))[:, None]
    rows = shapes.moves.transpose(1, 0, 2).reshape(count, keys * 3).astype(np.float32)  # (K, V, 3) -> (V, K * 3)
    mean = window @ rows  # (S, K * 3)
    window = window.astype(np.float32)
    middle = window @ shapes.points.astype(np.float32)
    slopes = [
        (window * shapes.points[:, axis].astype(np.float32)) @ rows - mean * middle[:, axis : axis + 1]
        for axis in range(3)
    ]
    gradient = np.stack(slopes, axis=-1) / width  # (S, K * 3, 3)
    return _a_row_a_key(mean * trust, keys), _a_row_a_key(gradient * trust[..., None], keys)


def _a_row_a_key(values: Array, keys: int) -> Array:
    """(S, K * 3, ...) -> (K, S * 3 * ...)."""
    return np.asarray(values.reshape(len(values), keys, -1).transpose(1, 0, 2).reshape(keys, -1))


def similarity(ours: Fields, theirs: Fields) -> Array:
    """How alike keys (K) and templates (R) are in where, how and which way they move, (K, R), -1 to 1."""
    total = sum(count * _cosine(a, b) for a, b, count in zip(ours.blocks, theirs.blocks, COUNTS, strict=True))
    return np.asarray(total / sum(COUNTS))


def _cosine(a: Array, b: Array) -> Array:
    a = a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-12)
    b = b / np.maximum(np.linalg.norm(b, axis=1, keepdims=True), 1e-12)
    return np.asarray(a @ b.T)
