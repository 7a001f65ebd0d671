"""Turns of a head, an eye or a jaw as quaternions, and as the numbers that a rotation is kept in elsewhere."""

from __future__ import annotations

import numpy as np

from .curves import Array

KNEE = 0.75  # of a limit: from here on an angle is bent towards it, so that a curve never hits a wall
GIMBAL = 1e-5  # cosine of the middle angle below which the first and the third Euler angle are one
STILL = 1e-7  # half angle below which a rotation has no axis of its own
AXES = "XYZ"
ODD = ("XZY", "YXZ", "ZYX")  # orders that do not go round


def limited(angle: Array, limit: float) -> Array:
    """The angle, (T,), never beyond ± limit; up to KNEE of it nothing changes, and the bend has no corner."""
    if limit <= 0:
        return np.zeros_like(angle)
    size, knee = np.abs(angle), np.float32(KNEE * limit)
    room = np.float32(limit) - knee
    bent: Array = np.where(size <= knee, size, knee + room * np.tanh((size - knee) / room)).astype(np.float32)
    return np.sign(angle) * bent


def turned(yaw: Array, pitch: Array, roll: Array) -> Array:
    """Quaternions, (T, 4), w first, of a turn to the right, then down, then towards the right shoulder, in radians.

    Their axes are the character's: x to its right, y forward, z up.
    """
    by_yaw, by_pitch, by_roll = _about("Z", -yaw), _about("X", -pitch), _about("Y", roll)
    return product(product(by_yaw, by_pitch), by_roll)


def product(first: Array, second: Array) -> Array:
    """Hamilton product of two rows of quaternions, (T, 4): the second turn happens inside the first."""
    a, b = np.broadcast_arrays(first, second)
    w = a[:, 0] * b[:, 0] - np.sum(a[:, 1:] * b[:, 1:], axis=1)
    xyz = a[:, :1] * b[:, 1:] + b[:, :1] * a[:, 1:] + np.cross(a[:, 1:], b[:, 1:])
    return np.asarray(np.concatenate([w[:, np.newaxis], xyz], axis=1), np.float32)


def inverse(turns: Array) -> Array:
    """The turns back, (T, 4)."""
    return np.asarray(turns * np.array([1, -1, -1, -1]), np.float32)


def seen_from(axes: Array, turns: Array) -> Array:
    """The same turns, (T, 4), in a space in which the columns of `axes`, (3, 3), are the axes they were told in."""
    return np.asarray(np.concatenate([turns[:, :1], turns[:, 1:] @ axes.T], axis=1), np.float32)


def applied(turns: Array, vector: Array) -> Array:
    """Where each turn takes a vector (3,), as (T, 3)."""
    w, xyz = turns[:, :1], turns[:, 1:]
    across = 2 * np.cross(xyz, vector[np.newaxis])
    moved: Array = (vector + w * across + np.cross(xyz, across)).astype(np.float32)
    return moved


def from_euler(angles: Array, order: str) -> Array:
    """Quaternions, (T, 4), of Euler angles x, y, z, (T, 3): in the order XYZ the turn about x comes first."""
    first, second, third = (_about(axis, angles[:, AXES.index(axis)]) for axis in order)
    return product(product(third, second), first)


def to_euler(turns: Array, order: str, near: Array) -> Array:
    """Euler angles x, y, z, (T, 3), without jumps, and of all that say the same those that begin nearest to `near`."""
    i, j, k = (AXES.index(axis) for axis in order)
    m = _columns(turns)
    sign = -1.0 if order in ODD else 1.0
    cosine = np.hypot(m[:, i, i], m[:, i, j])
    is_free = cosine > GIMBAL
    found = []
    for side in (1.0, -1.0):
        angles = np.empty((len(turns), 3))
        angles[:, i] = np.arctan2(side * m[:, j, k], side * m[:, k, k])
        angles[:, j] = np.arctan2(-m[:, i, k], side * cosine)
        angles[:, k] = np.where(is_free, np.arctan2(side * m[:, i, j], side * m[:, i, i]), 0)
        angles[:, i] = np.where(is_free, angles[:, i], np.arctan2(-m[:, k, j], m[:, j, j]))
        smooth = np.unwrap(sign * angles, axis=0)
        found.append(smooth + np.round((near - smooth[:1]) / (2 * np.pi)) * (2 * np.pi))
    best: Array = min(found, key=lambda angles: float(np.abs(angles - near).sum())).astype(np.float32)
    return best


def from_axis_angle(rows: Array) -> Array:
    """Quaternions, (T, 4), of rows of an angle and an axis, (T, 4); an axis of no length turns nothing."""
    length = np.linalg.norm(rows[:, 1:], axis=1, keepdims=True)
    axis = rows[:, 1:] / np.maximum(length, STILL)
    half = np.where(length > STILL, rows[:, :1] / 2, 0)
    return np.asarray(np.concatenate([np.cos(half), np.sin(half) * axis], axis=1), np.float32)


def to_axis_angle(turns: Array) -> Array:
    """An angle and an axis, (T, 4), whose axis keeps its side and stands still where nothing turns."""
    steady = continuous(turns, np.array([1, 0, 0, 0], np.float32))
    length = np.linalg.norm(steady[:, 1:], axis=1)
    turning = np.flatnonzero(length > STILL)
    if not len(turning):
        return np.tile(np.array([0, 0, 1, 0], np.float32), (len(turns), 1))
    axes = steady[turning, 1:] / length[turning, np.newaxis]
    steps = np.where(np.sum(axes[1:] * axes[:-1], axis=1) < 0, -1.0, 1.0)
    sides = np.concatenate([[1.0], np.cumprod(steps)])
    last = np.clip(np.searchsorted(turning, np.arange(len(turns)), side="right") - 1, 0, None)
    side = sides[last][:, np.newaxis]
    angle = 2 * np.arctan2(length[:, np.newaxis] * side, steady[:, :1])
    return np.asarray(np.concatenate([angle, axes[last] * side], axis=1), np.float32)


def continuous(turns: Array, near: Array) -> Array:
    """The same quaternions, (T, 4), each on the side of the one before, the first on that of `near`."""
    if not len(turns):
        return turns
    before = np.concatenate([near[np.newaxis], turns[:-1]])
    steps = np.where(np.sum(turns * before, axis=1) < 0, -1.0, 1.0)
    return np.asarray(turns * np.cumprod(steps)[:, np.newaxis], np.float32)


def _about(axis: str, angle: Array) -> Array:
    turns = np.zeros((len(angle), 4), np.float32)
    turns[:, 0] = np.cos(angle / 2)
    turns[:, 1 + AXES.index(axis)] = np.sin(angle / 2)
    return turns


def _columns(turns: Array) -> Array:
    """Where each turn takes the axes x, y and z, (T, 3, 3): row i is the image of axis i."""
    return np.stack([applied(turns, axis) for axis in np.eye(3, dtype=np.float32)], axis=1)
