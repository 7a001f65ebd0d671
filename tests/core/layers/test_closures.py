"""The promise that outlasts every layer: where it begins and ends, and what it leaves free."""

from __future__ import annotations

import numpy as np
import pytest

from addon.core.curves import Curves, lip_gap
from addon.core.layers.closures import closedness, eased, highest_near, keep_closures, keep_speech, keep_teeth, openness
from addon.core.prosody import Prosody

NAMES = ("jawOpen", "mouthClose", "mouthUpperUpLeft")


def a_phrase(start: int, end: int, rows: int = 300) -> Prosody:
    """A voice on these rows, and silence round it."""
    said = (np.arange(rows) >= start) & (np.arange(rows) < end)
    pitch = np.where(said, 120 + 30 * np.sin(np.arange(rows) / 7), 0)
    return Prosody(np.where(said, -20, -90).astype(np.float32), pitch.astype(np.float32))


def mouth(jaw: float, close: float, upper: float = 0.0, rows: int = 300) -> Curves:
    return Curves(np.tile(np.float32([jaw, close, upper]), (rows, 1)), NAMES, 50.0)


def test_lips_stay_sealed_from_200_ms_before_a_phrase_to_100_ms_after_it_and_are_free_in_pauses() -> None:
    gap = lip_gap(keep_speech(mouth(0.1, 0.1), mouth(0.4, 0.1), a_phrase(100, 200)))
    assert gap[90:205].max() == pytest.approx(0, abs=1e-6)
    assert gap[:80].min() == gap[215:].min() == pytest.approx(0.3)
    assert np.abs(np.diff(gap)).max() < 0.15  # by degrees


def test_what_parts_sealed_lips_may_shrink_and_not_grow() -> None:
    before = mouth(0.2, 0.2, 0.3)
    grown, shrunk = (keep_closures(before, mouth(0.2, 0.2, upper)) for upper in (0.5, 0.1))
    assert np.unique(grown.column("mouthUpperUpLeft")) == pytest.approx(0.3)
    assert np.unique(shrunk.column("mouthUpperUpLeft")) == pytest.approx(0.1)
    parted = keep_closures(mouth(0.2, 0.0, 0.3), mouth(0.2, 0.0, 0.5))
    assert np.unique(parted.column("mouthUpperUpLeft")) == pytest.approx(0.5)


SIDES = [f"{shape}{side}" for shape in ("mouthLowerDown", "mouthUpperUp") for side in ("Left", "Right")]


@pytest.mark.parametrize("shape", [*SIDES, "mouthFunnel"])
def test_no_shape_that_parts_the_lips_grows_where_they_are_sealed(shape: str) -> None:
    names = ("jawOpen", "mouthClose", shape)
    said, done = (Curves(np.tile(np.float32([0.2, 0.2, size]), (20, 1)), names, 50.0) for size in (0.1, 0.6))
    assert keep_closures(said, done).column(shape) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "shape",
    [
        *("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthRollUpper", "mouthShrugLower"),
        *("mouthPressLeft", "mouthPressRight"),
    ],
)
def test_nothing_that_takes_the_lip_from_the_teeth_grows_in_an_f(shape: str) -> None:
    said, done = (
        Curves(np.tile(np.float32([0.4, size]), (20, 1)), ("mouthRollLower", shape), 50.0) for size in (0.1, 0.6)
    )
    assert keep_teeth(said, done).column(shape) == pytest.approx(0.1)
    assert keep_teeth(done, said).column(shape) == pytest.approx(0.1)  # it may shrink


@pytest.mark.parametrize("rows", [0, 1, 2, 40])
def test_a_share_that_is_eased_is_nowhere_less_and_gone_120_ms_away(rows: int) -> None:
    share = np.zeros(rows, np.float32)
    share[rows // 2 : rows // 2 + 1] = 1
    soft = eased(share, 50.0)
    assert soft.shape == share.shape
    assert (soft >= share).all()
    away = np.abs(np.arange(rows) - rows // 2)
    assert not soft[away > 6].any()
    assert highest_near(share, 3).tolist() == (away <= 3).astype(float).tolist()


def test_lips_count_as_closed_by_their_share_of_the_jaw_and_as_apart_by_their_gap() -> None:
    for curves, closed, apart in (
        (mouth(0.2, 0.2), 1, 0), (mouth(0.4, 0.1), 0.25, 1), (mouth(0.1, 0.07), 0.7, 0.25), (mouth(0, 0), 0, 0)
    ):  # fmt: skip
        assert closedness(curves)[0] == pytest.approx(closed)
        assert openness(curves)[0] == pytest.approx(apart, abs=1e-6)
