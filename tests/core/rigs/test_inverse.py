"""Keys back to channels: what a convention's keys were set from can be read from them."""

from __future__ import annotations

import numpy as np
import pytest

from addon.core import channels, rigs
from addon.core.curves import Curves
from addon.core.errors import RigError
from addon.core.rigs import Fate, RigMap
from addon.core.rigs.inverse import channels_of


def spoken(rows: int = 60) -> Curves:
    """Channels as speech has them, at a third of their range so that no key is cut off, lips never beyond the jaw."""
    values = np.random.default_rng(8).uniform(0, 0.33, (rows, 52)).astype(np.float32)
    curves = Curves(values, channels.ARKIT, 50.0)
    return curves.with_columns({"mouthClose": np.minimum(curves.column("mouthClose"), curves.column("jawOpen"))})


@pytest.mark.parametrize(
    "rig", [rig for rig in rigs.conventions() if rig.weights and not rig.visemes], ids=lambda rig: rig.name
)
def test_channels_that_a_rig_covers_come_back(rig: RigMap) -> None:
    curves = spoken()
    keys = rig.controls(curves, tuple(rig.weights))
    back = channels_of(rig, keys)
    again = rig.controls(back.with_columns({}), tuple(rig.weights))
    np.testing.assert_allclose(again.values, keys.values, atol=2e-3)  # the head looks the same
    alone = {name for parts in rig.weights.values() if len(parts) == 1 for name in parts} & set(back.names)
    assert len(alone) > 20 or rig.name == "mpeg4"
    for name in alone if rig.can_close(rig.weights) else alone - {"jawOpen"}:  # else the jaw opens as far as the lips
        np.testing.assert_allclose(back.column(name), curves.column(name), atol=1e-3, err_msg=name)


@pytest.mark.parametrize("name", ["arkit", "arkit_lr", "livelink", "metahuman", "ready_player_me"])
def test_rigs_with_a_key_for_every_channel_lose_nothing(name: str) -> None:
    rig = next(rig for rig in rigs.conventions() if rig.name == name)
    curves = spoken()
    back = channels_of(rig, rig.controls(curves, tuple(rig.weights)))
    covered = [channel for channel in channels.ARKIT if channel in back.names]
    assert len(covered) > 40
    folded = rigs.detect(tuple(rig.weights)).having(Fate.FOLDED)
    for channel in set(covered) - set(folded) - {"mouthClose"}:
        np.testing.assert_allclose(back.column(channel), curves.column(channel), atol=5e-3, err_msg=channel)


def test_visemes_come_back_as_the_mix_of_their_poses() -> None:
    rig = next(rig for rig in rigs.conventions() if rig.name == "oculus")
    keys = tuple(rig.visemes)
    weights = np.zeros((1, len(keys)), np.float32)
    loud = next(key for key in keys if rig.visemes[key].get("jawOpen", 0) > 0.3)
    weights[0, keys.index(loud)] = 0.5
    back = channels_of(rig, Curves(weights, keys, 50.0))
    assert back.column("jawOpen")[0] == pytest.approx(0.5 * rig.visemes[loud]["jawOpen"], abs=1e-6)


def test_keys_of_no_such_convention_are_refused() -> None:
    rig = rigs.conventions()[0]
    with pytest.raises(RigError, match="nothing can be read back"):
        channels_of(rig, Curves(np.zeros((1, 1), np.float32), ("belly",), 50.0))


def test_each_of_two_channels_on_one_control_comes_back_on_its_side() -> None:
    board = next(rig for rig in rigs.conventions() if rig.name == "metahuman_board")
    given = {"eyeBlinkLeft": 1.0, "eyeLookInRight": 0.3, "jawLeft": 0.4, "mouthRight": 0.3}
    curves = Curves(np.array([list(given.values()), [0.0] * 4], np.float32), tuple(given), 50.0)
    back = channels_of(board, board.controls(curves, tuple(board.weights)))
    for name in back.names:
        assert back.column(name)[0] == pytest.approx(given.get(name, 0.0), abs=1e-5), name
