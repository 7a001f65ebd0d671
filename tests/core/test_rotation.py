"""Turns mean what the channels say, and every way of writing a rotation down says the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from addon.core import rotation

ORDERS = ["".join(order) for order in itertools.permutations("XYZ")]
RIGHT, FORWARD, UP = np.eye(3, dtype=np.float32)


def one(value: float) -> np.ndarray:
    return np.array([value], np.float32)


def path(rows: int = 200, reach: float = 1.2, seed: int = 3) -> np.ndarray:
    """Quaternions that wander slowly."""
    times = np.linspace(0, 1, rows)
    phases = np.random.default_rng(seed).uniform(0, 6, 3)
    yaw, pitch, roll = (reach * np.sin(2 * np.pi * (i + 1) * times + phases[i]).astype(np.float32) for i in range(3))
    return rotation.turned(yaw, pitch, roll)


def same(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two rows of quaternions turn alike; q and -q do."""
    return bool((np.abs(np.sum(first * second, axis=1)) > 1 - 2e-6).all())


@pytest.mark.parametrize(
    ("turn", "looks", "top"),
    [
        ((0.5, 0, 0), (np.sin(0.5), np.cos(0.5), 0), (0, 0, 1)),
        ((0, 0.5, 0), (0, np.cos(0.5), -np.sin(0.5)), (0, np.sin(0.5), np.cos(0.5))),
        ((0, 0, 0.5), (0, 1, 0), (np.sin(0.5), 0, np.cos(0.5))),
    ],
    ids=["yaw looks right", "pitch looks down", "roll leans to the right shoulder"],
)
def test_positive_angles_turn_as_the_channels_say(turn, looks, top):
    turns = rotation.turned(*map(one, turn))
    np.testing.assert_allclose(rotation.applied(turns, FORWARD)[0], looks, atol=1e-6)
    np.testing.assert_allclose(rotation.applied(turns, UP)[0], top, atol=1e-6)


def test_a_head_that_is_turned_nods_about_its_own_ears():
    turns = rotation.turned(one(np.pi / 2), one(0.4), one(0))
    np.testing.assert_allclose(rotation.applied(turns, RIGHT)[0], (0, -1, 0), atol=1e-6)
    np.testing.assert_allclose(rotation.applied(turns, FORWARD)[0], (np.cos(0.4), 0, -np.sin(0.4)), atol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_euler_angles_of_every_order_give_the_same_turns_back(order):
    turns = path(reach=0.8)
    angles = rotation.to_euler(turns, order, np.zeros(3))
    assert same(rotation.from_euler(angles, order), turns)
    assert np.abs(np.diff(angles, axis=0)).max() < 0.5


def test_euler_angles_go_on_beyond_half_a_turn_without_a_jump():
    angle = np.linspace(2.8, 3.6, 20, dtype=np.float32)
    there = np.stack([np.zeros(20), np.zeros(20), angle], axis=1).astype(np.float32)
    np.testing.assert_allclose(rotation.to_euler(rotation.from_euler(there, "XYZ"), "XYZ", there[0]), there, atol=1e-4)


@pytest.mark.parametrize("order", ORDERS)
def test_euler_angles_stay_with_the_ones_that_were_there(order):
    there = np.array([3.5, -6.6, 7.1], np.float32)
    rest = rotation.from_euler(there[np.newaxis], order)
    np.testing.assert_allclose(rotation.to_euler(rest, order, there)[0], there, atol=1e-4)


@pytest.mark.parametrize("order", ORDERS)
def test_euler_angles_hold_where_two_of_them_are_one(order):
    stuck = np.zeros((1, 3), np.float32)
    stuck[0, "XYZ".index(order[1])] = np.pi / 2
    stuck[0, "XYZ".index(order[0])] = 0.3
    turns = rotation.from_euler(stuck, order)
    assert same(rotation.from_euler(rotation.to_euler(turns, order, np.zeros(3)), order), turns)


def test_axis_and_angle_give_the_same_turns_back_and_keep_their_side():
    turns = path(reach=0.6)
    rows = rotation.to_axis_angle(turns)
    assert same(rotation.from_axis_angle(rows), turns)
    axes = rows[:, 1:]
    assert (np.sum(axes[1:] * axes[:-1], axis=1) >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(axes, axis=1), 1, atol=1e-5)


def test_an_axis_stands_still_where_nothing_turns():
    angle = np.concatenate([np.linspace(0.5, 0, 5), np.zeros(3), np.linspace(0, -0.5, 5)]).astype(np.float32)
    rows = rotation.to_axis_angle(rotation.turned(np.zeros(13, np.float32), angle, np.zeros(13, np.float32)))
    np.testing.assert_allclose(rows, np.stack([angle, -np.ones(13), np.zeros(13), np.zeros(13)], axis=1), atol=1e-6)
    still = rotation.to_axis_angle(rotation.turned(one(0), one(0), one(0)))
    np.testing.assert_allclose(np.linalg.norm(still[:, 1:], axis=1), 1)


def test_an_axis_of_no_length_turns_nothing():
    np.testing.assert_allclose(rotation.from_axis_angle(np.array([[1, 0, 0, 0]], np.float32)), [[1, 0, 0, 0]])


def test_quaternions_do_not_change_sides():
    turns = path() * np.where(np.arange(200) % 3, 1, -1)[:, np.newaxis].astype(np.float32)
    steady = rotation.continuous(turns, np.array([-1, 0, 0, 0], np.float32))
    assert (np.sum(steady[1:] * steady[:-1], axis=1) > 0).all()
    assert steady[0, 0] < 0
    assert same(steady, turns)


def test_a_turn_seen_from_other_axes_turns_the_same_thing():
    axes = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], np.float32)
    turns = path(5)
    told = rotation.applied(turns, FORWARD)
    seen = rotation.applied(rotation.seen_from(axes, turns), axes @ FORWARD)
    np.testing.assert_allclose(seen, told @ axes.T, atol=1e-6)


def test_a_turn_and_its_inverse_are_none():
    turns = path(9)
    assert same(rotation.product(turns, rotation.inverse(turns)), np.tile([1, 0, 0, 0], (9, 1)))


def test_limits_bend_what_comes_near_them_and_nothing_else():
    angle = np.linspace(-3, 3, 601).astype(np.float32)
    held = rotation.limited(angle, 0.8)
    inside = np.abs(angle) <= 0.6
    np.testing.assert_array_equal(held[inside], angle[inside])
    assert np.abs(held).max() <= 0.8 + 1e-6
    assert (np.diff(held) >= 0).all()
    assert np.abs(np.diff(held, 2)).max() < 0.002
    assert not rotation.limited(angle, 0).any()
