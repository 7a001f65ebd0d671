from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.curves import Curves, lip_gap
from addon.core.layers import articulation, smooth
from addon.core.prosody import Prosody
from addon.core.settings import ArticulationSettings, SmoothSettings

Make = Callable[[int], Prosody]
BETWEEN = 5  # rows, so that closures do not reach each other


def a_word() -> Curves:
    """An m of three rows in open speech, with lip shapes about."""
    jaw = np.full(40, 0.4, np.float32)
    close = np.zeros(40, np.float32)
    close[18:21] = jaw[18:21]
    upper = np.where(close > 0, 0.02, 0.3).astype(np.float32)
    values = np.stack([jaw, close, upper, np.full(40, 0.5, np.float32)], axis=1)
    return Curves(values, ("jawOpen", "mouthClose", "mouthUpperUpLeft", "mouthPucker"), 50.0)


def test_jaw_and_lips_are_two_efforts(made_prosody: Make) -> None:
    jaw_only = articulation(a_word(), made_prosody(40), ArticulationSettings(jaw=0.5))
    assert jaw_only.column("jawOpen")[0] == pytest.approx(0.2)
    assert jaw_only.column("mouthPucker")[0] == pytest.approx(0.5)
    lips_only = articulation(a_word(), made_prosody(40), ArticulationSettings(lips=1.5))
    assert lips_only.column("jawOpen")[0] == pytest.approx(0.4)
    assert lips_only.column("mouthPucker")[0] == pytest.approx(0.75)


def test_enunciating_is_clamped_and_keeps_the_m_shut(made_prosody: Make) -> None:
    loud = articulation(a_word(), made_prosody(40), ArticulationSettings(jaw=2.0, lips=2.0))
    assert loud.column("mouthPucker").max() == 1.0
    assert lip_gap(loud)[18:21].max() == pytest.approx(0, abs=1e-6)
    assert loud.column("mouthUpperUpLeft")[18:21].max() <= 0.02 + 1e-6
    assert lip_gap(loud)[0] == pytest.approx(0.8)


@pytest.mark.parametrize("lips", [0.3, 2.0])
def test_the_lip_lies_on_the_teeth_for_f_at_any_effort(lips: float, made_prosody: Make) -> None:
    roll = np.where(np.abs(np.arange(40) - 20) < 4, 0.38, 0.02).astype(np.float32)
    values = np.stack([roll, np.full(40, 0.3, np.float32)], axis=1)
    before = Curves(values, ("mouthRollLower", "mouthPucker"), 50.0)
    after = articulation(before, made_prosody(40), ArticulationSettings(lips=lips))
    assert after.column("mouthRollLower")[17:24] == pytest.approx(0.38)
    assert after.column("mouthRollLower")[0] == pytest.approx(0.02 * lips)
    assert after.column("mouthPucker")[20] == pytest.approx(0.3 * lips)


@pytest.mark.parametrize("jaw", [1.3, 1.6, 2.0])
def test_a_jaw_of_any_effort_goes_to_f_no_faster_than_that_effort(jaw: float, made_prosody: Make) -> None:
    apart = np.abs(np.arange(60) - 30)
    opened = 0.06 + 0.34 * np.clip((apart - 2) / 6, 0, 1)  # open vowels on both sides,
    roll = 0.38 * np.clip((9 - apart) / 3, 0, 1)  # and the lip is at the teeth before the jaw has come up
    before = Curves(np.stack([opened, roll], axis=1).astype(np.float32), ("jawOpen", "mouthRollLower"), 50.0)
    after = articulation(before, made_prosody(60), ArticulationSettings(jaw=jaw))
    assert after.column("jawOpen")[30] == pytest.approx(0.06)
    assert after.column("jawOpen")[0] == pytest.approx(0.4 * jaw)
    fastest = np.abs(np.diff(before.column("jawOpen"))).max()
    assert np.abs(np.diff(after.column("jawOpen"))).max() <= 1.15 * jaw * fastest


def test_half_the_amount_is_half_the_change(made_prosody: Make) -> None:
    half = articulation(a_word(), made_prosody(40), ArticulationSettings(amount=0.5, jaw=2.0))
    assert half.column("jawOpen")[0] == pytest.approx(0.6)


def test_a_model_that_closes_more_than_it_opens_is_put_right(made_prosody: Make) -> None:
    wrong = Curves(np.array([[0.1, 0.5], [0.0, 0.2]], np.float32), ("jawOpen", "mouthClose"), 50.0)
    right = articulation(wrong, made_prosody(2), ArticulationSettings())
    np.testing.assert_allclose(right.column("mouthClose"), [0.1, 0.0])


def test_values_of_a_model_outside_its_range_are_clamped(made_prosody: Make) -> None:
    wild = Curves(np.array([[1.4, -0.2]], np.float32), ("mouthFunnel", "mouthPucker"), 50.0)
    np.testing.assert_array_equal(articulation(wild, made_prosody(1), ArticulationSettings()).values, [[1.0, 0.0]])


def test_smoothing_calms_a_tremble_but_never_opens_a_closure(made_prosody: Make) -> None:
    shaken = a_word()
    tremble = (0.02 * (-1.0) ** np.arange(40)).astype(np.float32)
    shaken = shaken.with_columns({"mouthPucker": shaken.column("mouthPucker") + tremble})
    for width_s in (0.01, 0.02, 0.1):
        calm = smooth(shaken, made_prosody(40), SmoothSettings(width_s=width_s))
        assert lip_gap(calm)[18:21].max() <= 1e-6
        assert calm.column("mouthUpperUpLeft")[18:21].max() <= 0.02 + 1e-6
        pucker = calm.column("mouthPucker")
        assert np.abs(np.diff(pucker, 2)).mean() < 0.8 * np.abs(np.diff(shaken.column("mouthPucker"), 2)).mean()


@pytest.mark.parametrize("width_s", [0.016, 0.05, 0.2])
def test_smoothing_leaves_the_lip_on_the_teeth_for_f(width_s: float, made_prosody: Make) -> None:
    is_f = np.abs(np.arange(100) - 50) < 4
    values = np.stack([np.where(is_f, 0.38, 0.02), np.where(is_f, 0.05, 0.4), np.where(is_f, 0.3, 0.1)], axis=1)
    names = ("mouthRollLower", "jawOpen", "mouthUpperUpLeft")
    soft = smooth(Curves(values.astype(np.float32), names, 50.0), made_prosody(100), SmoothSettings(width_s=width_s))
    assert soft.column("mouthRollLower")[is_f] == pytest.approx(0.38)
    assert soft.column("jawOpen")[is_f].max() <= 0.05 + 1e-6
    assert soft.column("mouthUpperUpLeft")[is_f].min() >= 0.3 - 1e-6


@given(st.floats(0.002, 0.2), st.floats(0, 1))
def test_smoothing_by_any_width_stays_within_what_it_was_given(width_s: float, amount: float) -> None:
    wide = Curves(np.ones((40, 1), np.float32), ("mouthPucker",), 50.0)
    voice = Prosody(np.full(40, -20, np.float32), np.full(40, 120, np.float32))
    smoothed = smooth(wide, voice, SmoothSettings(amount=amount, width_s=width_s))
    np.testing.assert_array_equal(smoothed.values, wide.values)


def test_smoothing_by_no_width_changes_nothing(made_prosody: Make) -> None:
    assert smooth(a_word(), made_prosody(40), SmoothSettings(width_s=0.0)).values.tobytes() == a_word().values.tobytes()


def closing(shares: npt.NDArray[np.float32]) -> Curves:
    """Closures (E, T), each after BETWEEN rows of lips that mouthClose leaves apart, over a jaw of 0.2."""
    share = np.pad(np.pad(shares, ((0, 0), (BETWEEN, 0))).ravel(), (0, BETWEEN)).astype(np.float32)
    jaw = np.full(len(share), 0.2, np.float32)
    return Curves(np.stack([jaw, jaw * share], axis=1), ("jawOpen", "mouthClose"), 50.0)


def test_a_hesitant_closure_is_sealed_and_a_mere_hint_is_not(made_prosody: Make) -> None:
    peaks = np.array([0.0, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0], np.float32)
    unsure = closing(peaks[:, None] * np.array([0.4, 1.0, 0.4], np.float32))
    gap = lip_gap(articulation(unsure, made_prosody(len(unsure.values)), ArticulationSettings()))
    middle = slice(BETWEEN + 1, None, BETWEEN + 3)
    np.testing.assert_allclose(gap[middle][:3], lip_gap(unsure)[middle][:3], atol=1e-6)
    assert gap[middle][3] < lip_gap(unsure)[middle][3]
    np.testing.assert_allclose(gap[middle][4:], 0, atol=1e-6)
    assert (np.diff(gap[middle]) <= 0).all()
    eager = lip_gap(articulation(unsure, made_prosody(len(gap)), ArticulationSettings(seal_from=0.3)))
    assert (eager <= gap).all()


def test_a_lip_that_is_drawn_down_is_let_go_where_the_lips_close(made_prosody: Make) -> None:
    said = closing(0.8 * np.array([[0.4, 1.0, 0.4]], np.float32))
    said = said.with_columns({"mouthLowerDownLeft": np.full(len(said.values), 0.4, np.float32)})
    lower = articulation(said, made_prosody(len(said.values)), ArticulationSettings()).column("mouthLowerDownLeft")
    assert lower[BETWEEN + 1] < 0.05
    assert lower[0] == pytest.approx(0.4)


@pytest.mark.parametrize("peak", [0.65, 0.8, 1.0])
def test_a_hesitant_closure_is_sealed_for_no_longer_than_it_would_be(made_prosody: Make, peak: float) -> None:
    shape = np.array([0.2, 0.5, 0.9, 1.0, 0.9, 0.5, 0.2], np.float32)
    done = articulation(closing(peak * shape[None]), made_prosody(7 + 2 * BETWEEN), ArticulationSettings())
    share = done.column("mouthClose") / done.column("jawOpen")
    np.testing.assert_allclose(share[BETWEEN : BETWEEN + 7], shape, atol=1e-3)
    assert not share[:BETWEEN].any()
