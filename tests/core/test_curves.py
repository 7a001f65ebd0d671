from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from addon.core.curves import SEALED_GAP, Curves, blurred, lip_gap, resample

RATES = (1.0, 12.0, 24_000 / 1_001, 24.0, 25.0, 30_000 / 1_001, 30.0, 50.0, 59.94, 60.0, 240.0)
NAMES = ("jawOpen", "mouthClose", "mouthPressLeft", "eyeBlinkLeft")


def speaking(gap: np.ndarray, rate: float = 50.0) -> Curves:
    jaw = np.maximum(gap, 0.1).astype(np.float32)
    close = jaw - gap.astype(np.float32)
    press = np.where(gap <= SEALED_GAP, 0.3, 0.0).astype(np.float32)
    return Curves(np.stack([jaw, close, press, jaw], axis=1), NAMES, rate)


def closures(curves: Curves) -> list[tuple[int, int]]:
    sealed = np.concatenate([[0], lip_gap(curves) <= SEALED_GAP, [0]]).astype(int)
    return list(zip(np.flatnonzero(np.diff(sealed) == 1), np.flatnonzero(np.diff(sealed) == -1), strict=True))


@settings(max_examples=250)
@given(
    rate=st.sampled_from(RATES),
    gap=hnp.arrays(np.float32, st.integers(1, 120), elements=st.sampled_from([0.0, 1 / 64, 1 / 8, 1 / 4, 1 / 2])),
)
def test_no_closure_is_lost_at_any_rate(rate: float, gap: np.ndarray) -> None:
    curves = speaking(gap)
    sampled = resample(curves, rate)
    reached = lip_gap(sampled)
    for start, end in closures(curves):
        floor = lip_gap(curves)[start:end].min()
        first = round(start * rate / 50 - 0.5 - 1e-6)
        last = round((end - 1) * rate / 50 + 0.5 + 1e-6)
        around = reached[max(min(first, len(reached) - 1), 0) : last + 1]
        assert around.min() <= floor + 2e-3


@pytest.mark.parametrize("rate", RATES)
def test_a_closure_of_one_row_reaches_its_floor_with_its_whole_pose(rate: float) -> None:
    for row in range(5, 45):
        gap = np.full(50, 0.4)
        gap[row] = 0.0
        sampled = resample(speaking(gap), rate)
        nearest = min(round(row * rate / 50), len(sampled.values) - 1)
        at = nearest + int(np.argmin(lip_gap(sampled)[max(nearest - 1, 0) : nearest + 2])) - min(nearest, 1)
        assert lip_gap(sampled)[at] <= 1e-3
        assert sampled.column("mouthPressLeft")[at] == pytest.approx(0.3, abs=1e-3)


def test_a_closure_between_two_frames_stands_on_the_nearer_one() -> None:
    for row, fps, nearer in ((26, 24.0, 12), (27, 24.0, 13)):  # at frames 12.48 and 12.96
        gap = np.full(50, 0.4)
        gap[row] = 0.0
        assert np.flatnonzero(lip_gap(resample(speaking(gap), fps)) < 1e-3).tolist() == [nearer]


@settings(max_examples=100)
@given(
    rate=st.sampled_from(RATES),
    values=hnp.arrays(np.float32, st.tuples(st.integers(0, 80), st.just(4)), elements=st.floats(0, 1, width=32)),
)
def test_length_and_range_survive(rate: float, values: np.ndarray) -> None:
    curves = Curves(values, NAMES, 50.0)
    sampled = resample(curves, rate)
    assert sampled.values.dtype == np.float32
    assert sampled.names == NAMES
    assert sampled.rate == rate
    if len(values):
        assert len(sampled.values) == max(1, int(np.ceil(len(values) * rate / 50 - 1e-6)))
        assert (sampled.values >= values.min(axis=0) - 1e-6).all()
        assert (sampled.values <= values.max(axis=0) + 1e-6).all()
    else:
        assert len(sampled.values) == 0


@pytest.mark.parametrize("rate", [24.0, 25.0, 30.0, 60.0, 24_000 / 1_001])
def test_no_row_lies_at_the_end_however_the_division_is_rounded(rate: float) -> None:
    exact = Fraction(rate).limit_denominator(1_001)
    for rows in (14, 28, 415, 830, 3003):
        sampled = resample(Curves(np.zeros((rows, 1), np.float32), ("jawOpen",), 50.0), rate)
        assert len(sampled.values) == math.ceil(rows * exact / 50)


def test_a_closure_on_a_row_that_another_one_has_sealed_already_leaves_that_row_alone() -> None:
    gap = np.full(12, 0.4)
    gap[:7] = [0, 0, 0, 0, 0, 1 / 32, 1 / 64]  # at 12 a second, row 1 lies between rows 4 and 5
    sampled = resample(speaking(gap), 12.0)
    assert lip_gap(sampled)[1] == pytest.approx(1 / 32 / 6, abs=1e-6)


def test_a_blink_that_the_new_rows_meet_shut_is_only_interpolated() -> None:
    values = np.zeros((50, 2), np.float32)
    values[20:25] = [[1, 0.1], [1, 0.2], [1, 0.3], [1, 0.4], [1, 0.5]]
    sampled = resample(Curves(values, ("eyeBlinkLeft", "eyeSquintLeft"), 50.0), 60.0)
    wide = np.interp(np.arange(60) * 50 / 60, np.arange(50), values[:, 1])
    np.testing.assert_allclose(sampled.column("eyeSquintLeft"), wide, atol=1e-6)


def test_the_same_rate_changes_nothing() -> None:
    curves = speaking(np.linspace(0, 1, 50))
    np.testing.assert_array_equal(resample(curves, 50.0).values, curves.values)


def test_a_slow_movement_arrives_where_it_was() -> None:
    t = np.arange(500) / 50
    curves = Curves(np.sin(t)[:, np.newaxis].astype(np.float32), ("headYaw",), 50.0)
    for rate in RATES[1:]:
        sampled = resample(curves, rate)
        inner = np.arange(len(sampled.values)) / rate
        inner = inner[inner <= t[-1]]
        np.testing.assert_allclose(sampled.values[: len(inner), 0], np.sin(inner), atol=2e-4)


def test_curves_without_a_mouth_are_sampled_all_the_same() -> None:
    assert resample(Curves(np.zeros((50, 1), np.float32), ("jawOpen",), 50.0), 24.0).values.shape == (24, 1)


@pytest.mark.parametrize("rate", [0.0, -24.0, np.nan, np.inf])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate must be positive"):
        resample(speaking(np.zeros(5)), rate)


def test_blurring_keeps_constants_and_shape() -> None:
    values = np.full((40, 3), 0.7, np.float32)
    np.testing.assert_allclose(blurred(values, 2.5), values, rtol=1e-6)
    assert blurred(np.zeros((0, 3), np.float32), 2.0).shape == (0, 3)
    spike = np.zeros(41, np.float32)
    spike[20] = 1
    soft = blurred(spike, 2.0)
    assert soft.argmax() == 20
    np.testing.assert_allclose(soft, soft[::-1], atol=1e-7)
    assert soft.sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("width_rows", [-1.0, 0.0, 5e-324, 1e-160, 1e-3])
def test_a_bell_narrower_than_any_row_changes_nothing(width_rows: float) -> None:
    values = np.random.default_rng(0).random((20, 3), np.float32)
    np.testing.assert_array_equal(blurred(values, width_rows), values)


def test_curves_refuse_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="need"):
        Curves(np.zeros((3, 2), np.float32), ("a",), 50.0)
    with pytest.raises(ValueError, match="repeat"):
        Curves(np.zeros((3, 2), np.float32), ("a", "a"), 50.0)
    for rate in (0.0, -50.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="rate"):
            Curves(np.zeros((3, 1), np.float32), ("a",), rate)


def test_columns_are_replaced_and_appended_without_touching_the_original() -> None:
    curves = Curves(np.ones((3, 1), np.float32), ("jawOpen",), 50.0)
    more = curves.with_columns({"jawOpen": np.zeros(3, np.float32), "mouthClose": np.full(3, 0.5, np.float32)})
    assert more.names == ("jawOpen", "mouthClose")
    assert curves.column("jawOpen").sum() == 3
    np.testing.assert_array_equal(more.select(("mouthClose", "tongueOut")).values[0], [0.5, 0.0])
    assert more.duration_s == pytest.approx(0.06)
    assert more.select(()).values.shape == (3, 0)


@pytest.mark.parametrize("rate", [24.0, 25.0, 30.0, 60.0])
@pytest.mark.parametrize("at", range(20, 26))
def test_a_blink_shorter_than_a_frame_is_whole_on_the_nearest_with_what_gave_way_to_it(at: int, rate: float) -> None:
    names = ("eyeBlinkLeft", "eyeSquintLeft", "eyeBlinkRight", "mouthSmileLeft")
    values = np.tile(np.float32([0, 0.6, 0, 0.5]), (60, 1))
    values[at - 1 : at + 2, :2] = [[0.4, 0.36], [1, 0], [0.4, 0.36]]
    seen = resample(Curves(values, names, 50.0), rate)
    whole = seen.column("eyeBlinkLeft").argmax()
    assert seen.column("eyeBlinkLeft")[whole] == 1
    assert seen.column("eyeSquintLeft")[whole] == 0
    assert abs(whole / rate - at / 50) <= 0.5 / rate + 1e-9
    assert not seen.column("eyeBlinkRight").any()
    assert (seen.column("mouthSmileLeft") == 0.5).all()
