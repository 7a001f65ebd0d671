"""Keys of unknown names, guessed from what they do to a head."""

from __future__ import annotations

import numpy as np
import pytest

from addon.core import channels
from addon.core.curves import Curves
from addon.core.errors import RigError
from addon.core.rigs import CustomMap, Detection
from addon.core.rigs.custom_rig import mapped
from addon.core.rigs.load import poses
from addon.core.rigs.solve import SURE, Guess, Shapes, guess, rig_of, rows_of
from benchmarks.solve_accuracy import hidden, noised, of, picked, with_foreign

from .conftest import only


def titles(head: Shapes) -> dict[str, str]:
    return {row.key: row.title for row in guess(head).rows}


def hits(head: Shapes) -> int:
    return sum(key == title for key, title in titles(head).items())


@pytest.mark.parametrize("seed", range(2))
def test_a_head_in_any_unit_and_turn_is_understood_whole(demo: Shapes, seed: int):
    assert hits(hidden(demo, seed)) == 52


def test_names_do_not_matter(demo: Shapes):
    anonymous = Shapes(demo.points, demo.areas, demo.moves, tuple(f"Key {number}" for number in range(52)))
    found = guess(hidden(anonymous, 4))
    assert {row.key: row.title for row in found.rows} == dict(zip(anonymous.names, demo.names, strict=True))


def test_a_head_of_another_making_is_understood(ict: Shapes):
    assert hits(hidden(ict, 5)) >= 46  # of 51


def test_what_is_guessed_with_confidence_is_right(ict: Shapes):
    sure = [row for row in guess(hidden(picked(ict, 6, 35), 6)).rows if row.confidence >= SURE]
    assert len(sure) >= 17
    assert sum(row.key == row.title for row in sure) >= 0.9 * len(sure)


def test_left_and_right_are_the_characters_own(ict: Shapes):
    for row in guess(hidden(ict, 7)).rows:
        for side, other in (("Left", "Right"), ("Right", "Left")):
            assert not (row.key.endswith(side) and row.title.endswith(other)), row


def test_noise_of_a_scan_changes_nothing(demo: Shapes):
    assert hits(hidden(noised(demo, 0.02), 8)) == 52


def test_foreign_keys_take_no_channel_from_the_face(demo: Shapes):
    head = with_foreign(demo, 9)
    found = titles(hidden(head, 9))
    assert sum(found.get(name) == name for name in demo.names) >= 51


def test_both_sides_in_one_key_are_told_from_one_side(demo: Shapes):
    moves = dict(zip(demo.names, demo.moves, strict=True))
    both = moves["eyeBlinkLeft"] + moves["eyeBlinkRight"]
    head = of(demo, {name: move for name, move in moves.items() if "eyeBlink" not in name} | {"Wink wink": both})
    row = next(row for row in guess(hidden(head, 10)).rows if row.key == "Wink wink")
    assert row.weights == {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}


def test_a_key_that_doubles_others_is_better_left_alone(demo: Shapes):
    moves = dict(zip(demo.names, demo.moves, strict=True))
    head = of(demo, moves | {"Both": moves["eyeBlinkLeft"] + moves["eyeBlinkRight"]})
    spare = {row.key: row.spare for row in guess(hidden(head, 11)).rows}
    assert spare["Both"] == "each side has a key of its own"
    assert spare["eyeBlinkLeft"] == ""


def test_keys_that_move_nothing_are_told(demo: Shapes):
    moves = dict(zip(demo.names, demo.moves, strict=True))
    found = guess(of(demo, moves | {"Empty": 0 * moves["jawOpen"]}))
    assert found.still == ("Empty",)
    with pytest.raises(RigError, match="none of the keys moves the mesh"):
        guess(of(demo, {"Empty": 0 * moves["jawOpen"]}))


@pytest.mark.parametrize("names", [("jawOpen",), ("jawOpen", "eyeBlinkLeft"), ("eyeBlinkLeft", "eyeBlinkRight")])
def test_a_head_with_hardly_a_key_is_no_error(demo: Shapes, names: tuple[str, ...]):
    found = guess(hidden(only(demo, *names), 12))
    assert {row.key for row in found.rows} | set(found.unknown) == set(names)


@pytest.mark.parametrize("count", [50, 700])
def test_a_thing_of_a_few_points_that_is_no_face_is_refused(count: int):
    rng = np.random.default_rng(0)
    points, moves = rng.normal(size=(count, 3)), 0.1 * rng.normal(size=(4, count, 3))
    with pytest.raises(RigError, match="as a face moves; choose a face, or fill in Mapping by hand"):
        guess(Shapes(points, np.ones(count), moves, ("A", "B", "C", "D")))


def test_the_same_head_gives_the_same_guesses(demo: Shapes):
    head = hidden(demo, 13)
    assert guess(head).rows == guess(head).rows


@pytest.fixture(scope="module")
def speaking(demo: Shapes) -> Shapes:
    """A head that has visemes and nothing else."""
    kinds = {name: poses()[name] for name in ("aa", "eh", "ih", "iy", "ow", "uw", "s", "sh", "f", "t")}
    moves = dict(zip(demo.names, demo.moves, strict=True))
    return of(demo, {name: sum(weight * moves[at] for at, weight in pose.items()) for name, pose in kinds.items()})


def test_visemes_are_poses_of_several_channels(speaking: Shapes):
    found = {row.key: row for row in guess(speaking).rows}
    assert found["aa"].is_mix
    assert found["aa"].weights["jawOpen"] == pytest.approx(poses()["aa"]["jawOpen"], abs=0.1)
    assert found["uw"].weights["mouthPucker"] > 2 * found["ih"].weights.get("mouthPucker", 0)
    opened = {name: row.weights.get("jawOpen", 0) for name, row in found.items()}
    assert sorted(opened, key=lambda name: -opened[name])[:2] == ["aa", "eh"]


def test_a_guessed_rig_opens_the_mouth_with_the_voice(speaking: Shapes):
    jaw = np.linspace(0, 0.4, 9, dtype=np.float32)
    curves = Curves(np.zeros((9, len(channels.ALL)), np.float32), channels.ALL, 50.0).with_columns({"jawOpen": jaw})
    guesses = guess(speaking).rows
    controls = rig_of(guesses).controls(curves, speaking.names)
    opened = sum(controls.column(row.key) * row.weights.get("jawOpen", 0) for row in guesses)
    assert (np.diff(opened) > 0).all()
    assert opened[-1] > 0.2
    assert not controls.values[0].any()


def test_rows_for_the_table_move_a_head_as_the_names_would(demo: Shapes):
    anonymous = Shapes(demo.points, demo.areas, demo.moves, tuple(f"Key {number}" for number in range(52)))
    rows = rows_of(guess(anonymous).rows)
    custom = mapped(Detection(None, {}, channels.ARKIT, anonymous.names), CustomMap(tuple(rows)))
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, (5, len(channels.ALL))).astype(np.float32)
    curves = Curves(values, channels.ALL, 50.0)
    controls = custom.rig.controls(curves, anonymous.names)
    for key, channel in zip(anonymous.names, demo.names, strict=True):
        np.testing.assert_allclose(controls.column(key), curves.column(channel), atol=1e-6)


def test_rows_of_poses_come_near_to_each_channel():
    mixes = [
        Guess("open", "", {"jawOpen": 0.5}, 1, is_mix=True),
        Guess("round", "", {"jawOpen": 0.1, "mouthPucker": 0.6}, 1, is_mix=True),
    ]
    gains = {(row.channel, row.key): row.gain for row in rows_of(mixes)}
    assert gains["jawOpen", "open"] > 1
    assert gains["mouthPucker", "round"] > 1
    assert gains["mouthPucker", "open"] < 0  # what the round one opens too far, the open one takes back
