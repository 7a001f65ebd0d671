"""What every layer promises: shape, its own channels only, the seed, amount 0, silence, one row, none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from addon.core import channels, layers
from addon.core.curves import Curves, lip_gap
from addon.core.prosody import Prosody
from addon.core.settings import Settings, seeded

GROUPS = channels.GROUPS
OWNED = {
    "smooth": GROUPS["jaw"] + GROUPS["mouth"] + GROUPS["cheeks"],
    "articulation": GROUPS["jaw"] + GROUPS["mouth"],
    "brows": GROUPS["brows"],
    "head": GROUPS["head"],
    "gaze": GROUPS["gaze"],
    "blink": GROUPS["lids"],
}
SEEDED = ("brows", "head", "gaze", "blink")

Make = Callable[[int], Prosody]


def some_curves(rows: int) -> Curves:
    rng = np.random.default_rng(5)
    values = rng.uniform(0, 0.4, (rows, len(channels.ALL))).astype(np.float32)
    curves = Curves(values, channels.ALL, 50.0)
    close = np.where(rng.random(rows) < 0.2, 1.0, rng.random(rows)).astype(np.float32) * curves.column("jawOpen")
    return curves.with_columns({"mouthClose": close})


def laid(name: str, curves: Curves, prosody: Prosody, **changes: Any) -> Curves:
    settings = replace(getattr(Settings(), name), **changes)
    result: Curves = getattr(layers, name)(curves, prosody, settings)
    return result


def silent(rows: int) -> Prosody:
    return Prosody(np.full(rows, -90, np.float32), np.zeros(rows, np.float32))


@pytest.mark.parametrize("name", OWNED)
def test_it_keeps_shape_and_touches_only_its_own_channels(name: str, made_prosody: Make) -> None:
    before = some_curves(1_500)
    given = before.values.copy()
    after = laid(name, before, made_prosody(1_500))
    np.testing.assert_array_equal(before.values, given)
    assert after.values.dtype == np.float32
    assert (after.names, after.rate, after.values.shape) == (before.names, before.rate, before.values.shape)
    others = [channel for channel in channels.ALL if channel not in OWNED[name]]
    np.testing.assert_array_equal(after.select(others).values, before.select(others).values)
    if name != "articulation":  # at an effort of 1 it has nothing to do
        assert not np.array_equal(after.values, before.values)


@pytest.mark.parametrize("name", OWNED)
def test_amount_0_changes_not_a_bit(name: str, made_prosody: Make) -> None:
    before = some_curves(300)
    assert laid(name, before, made_prosody(300), amount=0.0).values.tobytes() == before.values.tobytes()


@pytest.mark.parametrize("name", OWNED)
@pytest.mark.parametrize("rows", [0, 1, 2, 500])
def test_silence_one_row_and_none_are_fine(name: str, rows: int, made_prosody: Make) -> None:
    for prosody in (silent(rows), made_prosody(rows)):
        after = laid(name, some_curves(rows), prosody)
        assert after.values.shape == (rows, len(channels.ALL))
        assert np.isfinite(after.values).all()


@pytest.mark.parametrize("name", OWNED)
def test_shapes_stay_within_0_and_1(name: str, made_prosody: Make) -> None:
    shapes = laid(name, some_curves(3_000), made_prosody(3_000)).select(channels.ARKIT).values
    assert (shapes.min(), shapes.max()) >= (0.0, 0.0)
    assert shapes.max() <= 1.0


@pytest.mark.parametrize("name", OWNED)
def test_curves_that_carry_no_channels_yet_are_fine(name: str, made_prosody: Make) -> None:
    after = laid(name, some_curves(200).select(()), made_prosody(200))
    assert set(after.names) <= set(OWNED[name])


@pytest.mark.parametrize("name", SEEDED)
def test_a_seed_repeats_and_another_differs(name: str, made_prosody: Make) -> None:
    before, prosody = some_curves(1_500), made_prosody(1_500)
    first = laid(name, before, prosody, seed=3).values
    assert laid(name, before, prosody, seed=3).values.tobytes() == first.tobytes()
    assert not np.array_equal(laid(name, before, prosody, seed=4).values, first)


def test_muting_one_layer_does_not_move_the_others(made_prosody: Make) -> None:
    before, prosody = some_curves(1_500), made_prosody(1_500)
    full = layers.perform(before, prosody, Settings())
    mute = replace(Settings(), gaze=replace(Settings().gaze, amount=0.0))
    without = layers.perform(before, prosody, mute)
    kept = [name for name in channels.ALL if name not in GROUPS["gaze"]]
    np.testing.assert_array_equal(full.select(kept).values, without.select(kept).values)


def test_the_takes_seed_varies_every_layer_that_draws(made_prosody: Make) -> None:
    before, prosody = some_curves(1_500), made_prosody(1_500)
    first = layers.perform(before, prosody, Settings())
    second = layers.perform(before, prosody, Settings(seed=1))
    for channel in ("browInnerUp", "headPitch", "leftEyeYaw", "eyeBlinkLeft"):
        assert not np.array_equal(first.column(channel), second.column(channel))
    np.testing.assert_array_equal(first.column("jawOpen"), second.column("jawOpen"))
    assert seeded(Settings().blink, 2**31 - 1).seed == 2**31 - 1


def test_the_whole_performance_seals_what_the_model_sealed(made_prosody: Make) -> None:
    before = some_curves(1_500)
    sealed = lip_gap(before) <= 0.02
    for jaw, lips in ((0.3, 0.5), (1.0, 1.0), (2.0, 2.0)):
        effort = replace(Settings().articulation, jaw=jaw, lips=lips)
        after = layers.perform(before, made_prosody(1_500), replace(Settings(), articulation=effort))
        assert lip_gap(after)[sealed].max() <= 0.02 + 1e-6
        assert lip_gap(after).min() >= 0


def test_curves_and_prosody_of_different_length_are_refused(made_prosody: Make) -> None:
    with pytest.raises(ValueError, match="need the same"):
        layers.perform(some_curves(10), made_prosody(11), Settings())
