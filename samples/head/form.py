"""The head as an implicit form: a signed distance that every vertex of the skin is laid upon."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]  # float64; bool or int where it selects

# Centimetres; x to the character's left, y to the back, z up; the origin is between the ears.
EYE = np.array([3.35, -5.95, 1.1])  # centre of the left eyeball
EYE_R = 1.95
HINGE = np.array([0.0, -0.6, -1.6])  # the jaw turns about this line, just before the ears
MOUTH = np.array([0.0, -9.0, -5.4])


def smoothstep(low: float, high: float, x: Array | float) -> Array:
    """0 below low, 1 above high, smooth between; falls instead where low > high."""
    t = np.clip((np.asarray(x, float) - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def rotation(axis: str, angle_rad: float) -> Array:
    """The (3, 3) rotation about a main axis, right-handed."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array(
        {
            "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
            "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
            "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
        }[axis]
    )


def ellipsoid(p: Array, centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Array:
    """Distance to an ellipsoid (Quilez's bound: exact at the surface, a fair guess elsewhere)."""
    q = (p - np.array(centre)) / np.array(radii)
    k0 = np.linalg.norm(q, axis=-1)
    k1 = np.linalg.norm(q / np.array(radii), axis=-1)
    return np.asarray(k0 * (k0 - 1.0) / np.maximum(k1, 1e-9))


def capsule(p: Array, a: tuple[float, float, float], b: tuple[float, float, float], ra: float, rb: float) -> Array:
    """Distance to a rod whose radius goes from ra to rb."""
    start, way = np.array(a), np.array(b) - np.array(a)
    t = np.clip((p - start) @ way / (way @ way), 0.0, 1.0)
    return np.asarray(np.linalg.norm(p - start - t[..., None] * way, axis=-1) - (ra + (rb - ra) * t))


def join(a: Array, b: Array, soft: float) -> Array:
    """The union of two forms, with a fillet of about `soft`."""
    h = np.clip(0.5 + 0.5 * (b - a) / soft, 0.0, 1.0)
    return np.asarray(b * (1 - h) + a * h - soft * h * (1 - h))


def carve(a: Array, b: Array, soft: float) -> Array:
    """The first form less the second."""
    return -join(-a, b, soft)


def head(points: Array) -> Array:
    """Signed distance of points (..., 3) to the skin without lips, lid margins and ears; negative is inside."""
    p = np.array(points, float)
    p[..., 0] = np.abs(p[..., 0])
    d = ellipsoid(p, (0, 1.3, 4.6), (7.8, 9.2, 8.3))  # cranium
    d = join(d, ellipsoid(p, (0, -2.4, -2.0), (6.1, 6.2, 7.6)), 2.5)  # face
    d = join(d, capsule(p, (4.1, -0.4, -5.0), (1.0, -6.2, -8.1), 1.6, 1.5), 3.4)  # jaw line
    d = join(d, ellipsoid(p, (0, -6.6, -8.4), (1.8, 2.2, 1.6)), 1.7)  # chin
    d = join(d, ellipsoid(p, (3.9, -5.0, -1.8), (2.4, 2.6, 2.1)), 2.0)  # cheeks
    d = join(d, capsule(p, (0.6, -7.6, 3.8), (4.4, -6.1, 4.0), 0.8, 0.7), 2.2)  # brow ridge
    d = carve(d, ellipsoid(p, (3.35, -8.7, 1.0), (2.2, 1.5, 1.6)), 1.3)  # sockets
    d = join(d, np.linalg.norm(p - EYE, axis=-1) - EYE_R * 1.09, 0.6)  # lids over the eyeballs
    d = join(d, ellipsoid(p, (0, -6.3, -5.3), (3.0, 2.7, 2.4)), 1.8)  # muzzle
    d = carve(d, capsule(p, (0, -9.7, -7.2), (1.1, -9.45, -7.15), 0.5, 0.4), 0.8)  # fold above the chin
    d = join(d, capsule(p, (0, -7.3, 2.4), (0, -9.45, -1.3), 0.5, 0.66), 1.2)  # bridge of the nose
    d = join(d, ellipsoid(p, (0, -9.6, -1.45), (0.85, 0.9, 0.8)), 0.6)  # its tip
    d = join(d, ellipsoid(p, (0.85, -8.8, -1.85), (0.56, 0.85, 0.5)), 0.5)  # its wings
    d = carve(d, ellipsoid(p, (0.46, -9.2, -2.45), (0.28, 0.44, 0.26)), 0.22)  # nostrils
    return join(d, capsule(p, (0, 2.6, -5.0), (0, 3.6, -24.0), 3.9, 4.4), 2.8)  # neck


def normal(points: Array) -> Array:
    """The outward direction of the form at points (V, 3)."""
    step = 0.02
    grad = np.stack([head(points + step * e) - head(points - step * e) for e in np.eye(3)], axis=-1)
    return np.asarray(grad / np.maximum(np.linalg.norm(grad, axis=-1, keepdims=True), 1e-9))


def project(points: Array, rounds: int = 4) -> Array:
    """The points (V, 3) moved along the form's gradient until they lie on the skin."""
    for _ in range(rounds):
        points = points - np.clip(head(points), -0.6, 0.6)[..., None] * normal(points)
    return points


def cast(origins: Array, directions: Array, reach: float = 26.0) -> Array:
    """Where rays (V, 3) from inside leave the form."""
    low, high = np.zeros(len(origins)), np.full(len(origins), reach)
    steps = np.linspace(0.0, reach, 66)
    for t in steps[:0:-1]:  # the first way out is the last one found when walking inwards
        high = np.where(head(origins + t * directions) > 0, t, high)
    low = high - steps[1]
    for _ in range(18):
        mid = (low + high) / 2
        out = head(origins + mid[:, None] * directions) > 0
        low, high = np.where(out, low, mid), np.where(out, mid, high)
    return np.asarray(origins + high[:, None] * directions)


def front(x: Array, z: Array) -> Array:
    """The y of the face's front at (x, z), by a ray from before the face."""
    x, z = np.broadcast_arrays(np.asarray(x, float), np.asarray(z, float))
    origins = np.stack([x, np.full(x.shape, -4.0), z], axis=-1).reshape(-1, 3)
    ahead = np.broadcast_to(np.array([0.0, -1.0, 0.0]), origins.shape)
    return np.asarray(cast(origins, ahead, 10.0)[:, 1].reshape(x.shape))
