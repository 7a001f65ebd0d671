from __future__ import annotations

import itertools

import numpy as np
import pytest

from addon.core import channels
from addon.core.curves import Curves, lip_gap
from addon.core.rigs.visemes import RIDGE, bounded_least_squares

from .conftest import RIGS, speech, still

SPOKEN = {name: rig for name, rig in RIGS.items() if rig.visemes}


def searched(poses: np.ndarray, wanted: np.ndarray, ridge: float) -> np.ndarray:
    """The same minimum by trying every way in which weights can be 0, 1 or between."""
    gram = poses @ poses.T + ridge * np.eye(len(poses))
    pull = poses @ wanted
    best, least = np.zeros(len(poses)), np.inf
    for state in itertools.product((0.0, 1.0, None), repeat=len(poses)):
        free = [i for i, value in enumerate(state) if value is None]
        weights = np.array([value or 0.0 for value in state])
        if free:
            weights[free] = np.linalg.solve(gram[np.ix_(free, free)], pull[free] - gram[free] @ weights)
        cost = weights @ gram @ weights - 2 * pull @ weights
        if weights.min() >= 0 and weights.max() <= 1 and cost < least:
            best, least = weights, cost
    return best


@pytest.mark.parametrize("seed", range(4))
def test_the_solve_finds_what_trying_everything_finds(seed):
    rng = np.random.default_rng(seed)
    poses, wanted = rng.uniform(-0.2, 1, (5, 7)), rng.uniform(-0.5, 2, (12, 7))
    expected = np.stack([searched(poses, row, RIDGE) for row in wanted])
    assert (expected == 1).any()
    assert (expected == 0).any()
    np.testing.assert_allclose(bounded_least_squares(poses, wanted, RIDGE), expected, atol=2e-3)


def test_of_two_equal_poses_each_takes_half():
    weights = bounded_least_squares(np.array([[0.6, 0.2], [0.6, 0.2]]), np.array([[0.3, 0.1]]), RIDGE)
    assert weights[0, 0] == pytest.approx(weights[0, 1], abs=1e-3)


def test_a_row_does_not_depend_on_its_neighbours():
    rig, whole = RIGS["oculus"], speech()
    alone = Curves(whole.values[30:31], whole.names, whole.rate)
    together = rig.controls(whole, list(rig.visemes)).values[30:31]
    np.testing.assert_allclose(rig.controls(alone, list(rig.visemes)).values, together, atol=1e-6)


@pytest.mark.parametrize(
    ("pose", "key"), [("p", "PP"), ("f", "FF"), ("sh", "CH"), ("aa", "aa"), ("uw", "ou"), ("th", "TH"), ("ow", "oh")]
)
def test_a_sound_s_own_mouth_is_its_viseme(pose, key):
    rig = RIGS["oculus"]
    values = dict(rig.visemes[key])
    if "mouthClose" in values:  # in a pose it is the share of the jaw's opening
        values |= {"jawOpen": 0.1, "mouthClose": 0.1}
    weights = rig.controls(still(**values), list(rig.visemes))
    assert weights.column(key)[0] > 0.7
    assert weights.values.sum() < 1.3


@pytest.mark.parametrize("rig", SPOKEN.values(), ids=SPOKEN)
def test_visemes_move_smoothly(rig):
    mouth = speech()
    weights = rig.controls(mouth, list(rig.visemes)).values
    assert weights.max() > 0.5
    assert np.abs(np.diff(weights, axis=0)).max() <= 4 * np.abs(np.diff(mouth.values, axis=0)).max()


@pytest.mark.parametrize("rig", SPOKEN.values(), ids=SPOKEN)
def test_visemes_never_open_the_mouth_wider_than_the_curves(rig):
    mouth, keys = speech(), list(rig.visemes)
    weights = rig.controls(mouth, keys)
    opened = sum(weights.column(key) * np.float32(rig.visemes[key].get("jawOpen", 0)) for key in keys)
    assert (opened <= np.maximum(lip_gap(mouth), 0) + 1e-5).all()


def test_m_presses_the_lips_and_rest_does_not():
    rig = RIGS["vrchat"]
    keys = list(rig.visemes)
    hum = rig.controls(still(jawOpen=0.08, mouthClose=0.08, mouthPressLeft=0.24, mouthPressRight=0.24), keys)
    assert hum.column("vrc.v_pp")[0] > 0.9
    assert not rig.controls(still(), keys).values.any()


def test_a_head_with_some_visemes_does_with_those():
    rig = RIGS["oculus"]
    weights = rig.controls(still(jawOpen=0.4, mouthLowerDownLeft=0.3, mouthLowerDownRight=0.3), ["aa", "PP", "ou"])
    assert weights.names == ("PP", "aa", "ou")
    assert weights.column("aa")[0] > 0.8


def test_no_rows_stay_no_rows_on_visemes_too():
    none = Curves(np.zeros((0, len(channels.ALL)), np.float32), channels.ALL, 50.0)
    assert RIGS["oculus"].controls(none, ["aa", "PP"]).values.shape == (0, 2)
