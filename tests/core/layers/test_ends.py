"""Recordings that are cut close to the first sound or the last: the take begins and ends at rest all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from addon.core import channels, layers
from addon.core.curves import Curves, lip_gap
from addon.core.layers import brows
from addon.core.layers.ends import MOUTH, rest_at_ends
from addon.core.layers.gaze import plan
from addon.core.prosody import Prosody, accents
from addon.core.settings import BrowsSettings, GazeSettings, Settings

Make = Callable[[int], Prosody]


def cut_close(rows: int = 100, **columns: float) -> Curves:
    """A mouth that holds these shapes from the first row to the last."""
    still = Curves(np.zeros((rows, len(channels.ALL)), np.float32), channels.ALL, 50.0)
    return still.with_columns({name: np.full(rows, value, np.float32) for name, value in columns.items()})


def test_a_line_that_is_cut_close_begins_and_ends_with_the_mouth_shut(made_prosody: Make) -> None:
    spoken = cut_close(jawOpen=0.4, mouthLowerDownLeft=0.25, mouthStretchLeft=0.2)
    whole = layers.perform(spoken, made_prosody(100), Settings())
    assert np.abs(whole.select(MOUTH).values[[0, -1]]).max() < 1e-6
    assert whole.column("jawOpen")[5:95].min() == pytest.approx(0.4)


def test_the_mouth_is_half_open_after_40_ms() -> None:
    jaw = rest_at_ends(cut_close(jawOpen=0.4)).column("jawOpen")
    assert jaw[2] == pytest.approx(0.2)
    assert jaw[-3] == pytest.approx(0.2)
    np.testing.assert_array_equal(jaw[4:-4], 0.4)


def test_an_m_at_the_very_beginning_is_shut() -> None:
    assert np.abs(lip_gap(rest_at_ends(cut_close(jawOpen=0.3, mouthClose=0.3)))).max() == 0


def test_an_f_at_the_very_beginning_is_at_the_teeth_after_40_ms_and_not_held_before_the_line() -> None:
    f = rest_at_ends(cut_close(mouthRollLower=0.36, mouthUpperUpLeft=0.2, jawOpen=0.05))
    assert f.column("mouthRollLower")[0] == 0
    np.testing.assert_allclose(f.column("mouthRollLower")[2:-2], 0.36)
    np.testing.assert_allclose(f.column("mouthUpperUpLeft")[2:-2], 0.2)


def test_a_mouth_that_is_left_as_the_model_has_it_is_so_at_the_ends_too(made_prosody: Make) -> None:
    raw = replace(Settings(), articulation=replace(Settings().articulation, amount=0.0))
    whole = layers.perform(cut_close(jawOpen=0.4), made_prosody(100), raw)
    np.testing.assert_allclose(whole.column("jawOpen")[[0, -1]], 0.4)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_takes_of_hardly_any_length_are_fine(rows: int) -> None:
    assert not rest_at_ends(cut_close(rows, jawOpen=0.4)).values.any()


def test_brows_are_at_rest_at_the_ends_of_a_take_that_begins_with_an_accent(made_prosody: Make) -> None:
    prosody = made_prosody(600)
    assert accents(prosody)[0][0] < 0.25
    lifted = brows(cut_close(600), prosody, BrowsSettings()).select(channels.GROUPS["brows"]).values
    assert lifted.max() > 0.1
    assert lifted[[0, -1]].max() == 0


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("target_deg", [0.0, 12.0])
def test_eyes_are_at_the_listener_at_the_ends_of_a_take_and_not_between(
    made_prosody: Make, seed: int, target_deg: float
) -> None:
    target = np.full((600, 2), np.deg2rad(target_deg), np.float32)
    off = np.rad2deg(plan(made_prosody(600), GazeSettings(seed=seed), target).world - target)
    off = np.linalg.norm(off, axis=1)
    assert off[0] < 5  # a listener's face
    np.testing.assert_array_less(off[-5:], 5)
    assert off.max() > 5


def test_a_look_away_that_would_end_with_the_take_ends_before_it(made_prosody: Make) -> None:
    away = GazeSettings(at_listener=0.0)
    off = np.rad2deg(np.linalg.norm(plan(made_prosody(600), away).world, axis=1))
    assert off[[0, -1]].max() < 5
    assert (off[40:-30] > 3).mean() > 0.7


@pytest.mark.parametrize("rows", [0, 1, 2, 40])
def test_eyes_stay_at_the_listener_in_a_take_of_hardly_any_length(made_prosody: Make, rows: int) -> None:
    world = plan(made_prosody(rows), GazeSettings(at_listener=0.0)).world
    assert world.shape == (rows, 2)
    assert not np.any(np.rad2deg(np.abs(world)) > 5)
