"""Few Bézier keys instead of many: how far they may depart, what they keep exactly, and how many there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies
from hypothesis.extra import numpy as arrays

from addon.core import channels, reduce
from addon.core.curves import SEALED_GAP, Curves, lip_gap

unit = strategies.floats(0, 1, width=32)
tables = arrays.arrays(
    np.float32, strategies.tuples(strategies.integers(1, 40), strategies.integers(1, 4)), elements=unit
)
errors = strategies.sampled_from((0.0, 0.001, 0.01, 0.1))


def departure(values: np.ndarray, curve: reduce.Bezier, steps: int = 20) -> np.ndarray:
    """How far a curve is from the dense one at `steps` instants a row."""
    at = np.linspace(0, len(values) - 1, (len(values) - 1) * steps + 1)
    return np.abs(reduce.evaluate(curve, at) - np.interp(at, np.arange(len(values)), values))


def speech(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """Smooth movement between rests, in 0..1."""
    rng = np.random.default_rng(seed)
    noise = np.cumsum(rng.standard_normal((rows + 20, columns)), axis=0)
    kernel = np.hanning(9) / np.hanning(9).sum()
    soft = np.stack([np.convolve(column, kernel, "same") for column in noise.T], axis=1)
    return np.clip(0.3 + 0.1 * (soft - soft.mean(axis=0))[10:-10], 0, 1).astype(np.float32)


@given(tables, errors)
def test_no_curve_departs_by_more_than_the_error_anywhere(values, error):
    for column, curve in zip(values.T, reduce.reduced(values, error), strict=True):
        assert departure(column, curve).max() <= error + 1e-9


@given(tables, errors)
def test_keys_lie_on_the_dense_curve_and_hold_both_ends(values, error):
    for column, curve in zip(values.T, reduce.reduced(values, error), strict=True):
        assert curve.rows[0] == 0
        assert curve.rows[-1] == len(column) - 1
        assert (np.diff(curve.rows) > 0).all()
        np.testing.assert_array_equal(curve.values.astype(np.float32), column[curve.rows])


@given(tables, strategies.data())
def test_rows_that_are_to_be_kept_become_keys(values, data):
    keep = data.draw(arrays.arrays(np.bool_, values.shape))
    for column, curve in zip(keep.T, reduce.reduced(values, 0.1, keep), strict=True):
        assert set(np.flatnonzero(column)) <= set(curve.rows)


@given(tables, strategies.data())
def test_an_error_of_each_row_is_kept_to(values, data):
    error = data.draw(arrays.arrays(np.float64, values.shape, elements=strategies.floats(0, 0.1)))
    for column, allowed, curve in zip(values.T, error.T, reduce.reduced(values, error), strict=True):
        between = np.repeat(np.minimum(allowed[:-1], allowed[1:]), 20)
        assert (departure(column, curve, 20)[1:] <= between + 1e-9).all()


@given(tables, errors)
def test_a_column_is_reduced_the_same_alone_as_among_others(values, error):
    together = reduce.reduced(values, error)
    for place, curve in enumerate(together):
        (alone,) = reduce.reduced(values[:, [place]], error)
        np.testing.assert_array_equal(alone.rows, curve.rows)
        np.testing.assert_array_equal(alone.after, curve.after)


def test_smooth_movement_needs_a_fraction_of_the_keys():
    values = speech(600, 20)
    curves = reduce.reduced(values, 0.01)
    assert sum(len(curve.rows) for curve in curves) < values.size / 4


def test_a_straight_ramp_is_two_keys_and_a_corner_one_more():
    ramp = np.concatenate([np.linspace(0, 1, 20), np.linspace(1, 0.5, 20)[1:]]).astype(np.float32)[:, np.newaxis]
    assert len(reduce.reduced(ramp[:20], 0.001)[0].rows) == 2
    assert 19 in reduce.reduced(ramp, 0.001)[0].rows


def test_what_stands_still_stands_still_exactly():
    lid = np.zeros(100, np.float32)
    lid[50:58] = np.sin(np.linspace(0, np.pi, 8))
    (curve,) = reduce.reduced(lid[:, np.newaxis], 0.01)
    still = np.concatenate([np.linspace(0, 49, 200), np.linspace(58, 99, 200)])
    assert not reduce.evaluate(curve, still).any()


def test_handles_lie_a_third_of_the_way_to_the_next_key():
    (curve,) = reduce.reduced(speech(60, 1), 0.01)
    left, right = curve.handles()
    np.testing.assert_allclose(right[:-1, 0] - curve.rows[:-1], np.diff(curve.rows) / 3)
    np.testing.assert_allclose(curve.rows[1:] - left[1:, 0], np.diff(curve.rows) / 3)
    bent = ~curve.straight[1:-1] & ~curve.straight[:-2]
    np.testing.assert_array_equal(curve.before[1:-1][bent], curve.after[1:-1][bent])


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_the_shortest_lines_are_reduced_too(rows):
    values = speech(rows, 3)
    for column, curve in zip(values.T, reduce.reduced(values, 0.01), strict=True):
        np.testing.assert_allclose(reduce.evaluate(curve, np.arange(rows)), column, atol=0.01)


def test_nothing_is_reduced_to_nothing():
    assert [len(curve.rows) for curve in reduce.reduced(np.zeros((0, 3), np.float32), 0.01)] == [0, 0, 0]
    assert reduce.reduced(np.zeros((10, 0), np.float32), 0.01) == []


def test_values_that_are_not_numbers_are_refused():
    with pytest.raises(ValueError, match="not numbers"):
        reduce.reduced(np.array([[0.0], [np.nan]], np.float32), 0.01)


mouths = arrays.arrays(np.float32, strategies.tuples(strategies.integers(1, 60), strategies.just(2)), elements=unit)


@given(mouths, strategies.sampled_from((0.005, 0.02, 0.1)))
def test_lips_that_are_sealed_stay_sealed_between_frames_too(values, error):
    jaw = values[:, 0]
    mouth = Curves(np.stack([jaw, jaw * np.minimum(1, 1.6 * values[:, 1])], axis=1), ("jawOpen", "mouthClose"), 24)
    keep, room = reduce.closures(mouth)
    limit = np.minimum(error, room)[:, np.newaxis]
    jaw_keys, close_keys = reduce.reduced(mouth.values, limit, np.repeat(keep[:, np.newaxis], 2, axis=1))
    gap = lip_gap(mouth)
    at = np.linspace(0, len(jaw) - 1, 10 * (len(jaw) - 1) + 1)
    sealed = np.interp(at, np.arange(len(jaw)), gap) <= SEALED_GAP
    between = (gap <= SEALED_GAP)[np.floor(at).astype(int)] & (gap <= SEALED_GAP)[np.ceil(at).astype(int)]
    reached = reduce.evaluate(jaw_keys, at) - reduce.evaluate(close_keys, at)
    assert (reached[sealed & between] <= SEALED_GAP + 1e-6).all()


@given(mouths)
def test_every_closure_begins_reaches_its_floor_and_ends_on_a_key(values):
    jaw = values[:, 0]
    mouth = Curves(np.stack([jaw, jaw * np.minimum(1, 1.6 * values[:, 1])], axis=1), ("jawOpen", "mouthClose"), 24)
    keep, _ = reduce.closures(mouth)
    gap = lip_gap(mouth)
    edges = np.flatnonzero(np.diff((gap <= SEALED_GAP).astype(int), prepend=0, append=0))
    for start, end in edges.reshape(-1, 2):
        assert keep[[start, start + gap[start:end].argmin(), end - 1]].all()


def test_a_performance_without_a_mouth_has_no_closures():
    brows = Curves(np.ones((5, 1), np.float32), (channels.GROUPS["brows"][0],), 24)
    keep, room = reduce.closures(brows)
    assert keep.shape == room.shape == (5,)
