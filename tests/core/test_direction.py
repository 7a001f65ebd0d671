from __future__ import annotations

import numpy as np
import pytest

from addon.core.curves import Curves
from addon.core.direction import INWARDS, LOOK, UNDIRECTED, Direction
from addon.core.errors import FormatError, SettingsError


def ramp(*names: str, rows: int = 25, rate: float = 24.0) -> Curves:
    return Curves(np.linspace(0, 1, rows * len(names)).reshape(rows, len(names)).astype(np.float32), names, rate)


def test_directed_curves_of_any_rate_reach_every_row_and_are_held_at_the_end() -> None:
    moods = Direction(emotion=ramp("joy")).moods(100, 50.0)
    assert moods is not None
    assert moods.shape == (100, 8)
    assert moods[25, 1] == pytest.approx(0.5, abs=0.01)
    assert (moods[50:, 1] == 1).all()
    assert not moods[:, 2:].any()


def test_what_is_not_directed_is_left_to_the_settings() -> None:
    assert UNDIRECTED.moods(10, 50.0) is None
    assert UNDIRECTED.looks(10, 50.0) is None


def test_looks_and_moods_stay_within_what_a_person_can_do() -> None:
    far = Curves(np.array([[9.0, -9.0]], np.float32), LOOK, 24.0)
    looks = Direction(look=far).looks(3, 50.0)
    assert looks is not None
    np.testing.assert_allclose(np.abs(looks), np.pi / 2)
    moods = Direction(emotion=Curves(np.array([[4.0], [-3.0]], np.float32), ("joy",), 1.0)).moods(100, 50.0)
    assert moods is not None
    assert (moods.min(), moods.max()) == (0, 1)


def test_eyes_turn_inwards_no_further_than_they_can_and_not_at_all_in_what_was_kept_without_a_distance() -> None:
    near = Curves(np.array([[0.0, 0.0, 9.0], [0.0, 0.0, -9.0]], np.float32), (*LOOK, INWARDS), 50.0)
    np.testing.assert_allclose(Direction(look=near).inwards(2, 50.0), [np.deg2rad(20), 0], rtol=1e-6)
    before = Direction.from_bytes(Direction(look=ramp(*LOOK)).to_bytes())
    np.testing.assert_array_equal(before.inwards(10, 50.0), np.zeros(10))
    assert UNDIRECTED.inwards(10, 50.0) is None


def test_what_is_kept_comes_back_the_same() -> None:
    for given in (
        UNDIRECTED,
        Direction(emotion=ramp("joy", "fear")),
        Direction(ramp("joy"), ramp(*LOOK, rate=60.0)),
        Direction(look=ramp(*LOOK, INWARDS)),
    ):
        again = Direction.from_bytes(given.to_bytes())
        assert again.to_bytes() == given.to_bytes()
        for before, after in ((given.emotion, again.emotion), (given.look, again.look)):
            assert (before is None) == (after is None)
            if before and after:
                assert (before.names, before.rate) == (after.names, after.rate)
                np.testing.assert_array_equal(before.values, after.values)
    with pytest.raises(FormatError, match="key it again"):
        Direction.from_bytes(b"PK nothing")


def test_wrong_curves_are_refused() -> None:
    with pytest.raises(SettingsError, match="emotion has a curve 'glee'"):
        Direction(emotion=ramp("glee"))
    with pytest.raises(SettingsError, match="look-at has a curve 'headYaw'"):
        Direction(look=ramp("headYaw"))
    wrong = ramp(*LOOK)
    wrong.values[3, 1] = np.nan
    with pytest.raises(SettingsError, match="not numbers"):
        Direction(look=wrong)
    with pytest.raises(SettingsError, match="empty"):
        Direction(emotion=ramp("joy", rows=0))
