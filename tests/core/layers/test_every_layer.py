"""What every layer promises: shape, its own channels only, the seed, amount 0, silence, one row, none."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from addon.core import channels, emotions, layers
from addon.core.curves import Curves, lip_gap
from addon.core.layers import closures
from addon.core.layers.closures import near_speech
from addon.core.prosody import Prosody
from addon.core.settings import Settings, seeded

GROUPS = channels.GROUPS


def owned(name: str) -> tuple[str, ...]:
    """What a layer's module says is its own; the package shows the function of that name."""
    found: tuple[str, ...] = importlib.import_module(f"addon.core.layers.{name}").OWNED
    return found


OWNED = {
    "smooth": GROUPS["jaw"] + GROUPS["mouth"] + GROUPS["cheeks"],
    "articulation": GROUPS["jaw"] + GROUPS["mouth"],
    "emotion": owned("emotion"),
    "brows": (*GROUPS["brows"], "cheekSquintLeft", "cheekSquintRight"),
    "breath": owned("breath"),
    "micro": owned("micro"),
    "head": GROUPS["head"],
    "gaze": GROUPS["gaze"],
    "blink": owned("blink"),
}
SEEDED = ("articulation", "emotion", "brows", "breath", "micro", "head", "gaze", "blink")
# Without a mood there is nothing to show; everything else moves by default.
AT_WORK = {"emotion": {"joy": 0.7, "contempt": 0.5, "surprise": 0.4}}
EXTREME: dict[str, dict[str, float]] = {
    "articulation": {"jaw": 2.0, "lips": 2.0, "upper_lip": 2.0, "asymmetry": 0.5},
    "emotion": dict.fromkeys(emotions.NAMES[1:], 1.0) | {"on_mouth": 1.0, "from_voice": 1.0},
    "brows": {"raise_by": 1.0, "frown_by": 1.0, "cheeks_by": 1.0},
    "breath": {"nostrils": 1.0, "jaw": 0.3},
    "micro": {"per_minute": 60.0, "size": 0.5},
    "gaze": {"spread_deg": 30.0, "at_listener": 0.0},
    "blink": {"per_minute": 60.0, "per_minute_talking": 60.0, "doubles": 1.0, "duration_s": 1.0},
}

Make = Callable[[int], Prosody]


def some_curves(rows: int) -> Curves:
    rng = np.random.default_rng(5)
    values = rng.uniform(0, 0.4, (rows, len(channels.ALL))).astype(np.float32)
    curves = Curves(values, channels.ALL, 50.0)
    close = np.where(rng.random(rows) < 0.2, 1.0, rng.random(rows)).astype(np.float32) * curves.column("jawOpen")
    roll = np.where(np.arange(rows) % 60 < 8, 0.36, curves.column("mouthRollLower")).astype(np.float32)  # f and v
    return curves.with_columns({"mouthClose": close, "mouthRollLower": roll})


def laid(name: str, curves: Curves, prosody: Prosody, **changes: Any) -> Curves:
    settings = replace(getattr(Settings(), name), **(AT_WORK.get(name, {}) | changes))
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
    for changes in ({}, EXTREME.get(name, {})):
        shapes = laid(name, some_curves(3_000), made_prosody(3_000), **changes).select(channels.ARKIT).values
        assert shapes.min() >= 0
        assert shapes.max() <= 1


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
    varied = ("browInnerUp", "headPitch", "leftEyeYaw", "eyeBlinkLeft", "noseSneerLeft", "mouthSmileLeft")
    for channel in varied:
        assert not np.array_equal(first.column(channel), second.column(channel))
    spoken = near_speech(prosody)
    np.testing.assert_array_equal(first.column("jawOpen")[spoken], second.column("jawOpen")[spoken])
    assert seeded(Settings().blink, 2**31 - 1).seed == 2**31 - 1


@pytest.mark.parametrize("name", SEEDED)
def test_the_takes_seed_varies_a_layer_that_is_alone(name: str, made_prosody: Make) -> None:
    before, prosody = some_curves(1_500), made_prosody(1_500)
    layer: dict[str, Any] = {other: replace(getattr(Settings(), other), amount=0.0) for other in OWNED}
    layer[name] = replace(getattr(Settings(), name), **AT_WORK.get(name, {}))
    first = layers.perform(before, prosody, Settings(**layer)).values
    if name != "gaze":  # where the eyes look moves head and blinks too, so it stays as it was
        layer["gaze"] = replace(layer["gaze"], seed=2**31 - 1)
    second = layers.perform(before, prosody, Settings(seed=1, **layer)).values
    assert not np.array_equal(first, second)


def test_the_whole_performance_seals_what_the_model_sealed(made_prosody: Make) -> None:
    before = some_curves(1_500)
    prosody = made_prosody(1_500)
    sealed = (lip_gap(before) <= 0.02) & near_speech(prosody)
    for jaw, lips in ((0.3, 0.5), (1.0, 1.0), (2.0, 2.0)):
        effort = replace(Settings().articulation, jaw=jaw, lips=lips)
        after = layers.perform(before, prosody, replace(Settings(), articulation=effort))
        assert lip_gap(after)[sealed].max() <= 0.02 + 1e-6
        assert lip_gap(after).min() >= 0


@pytest.mark.parametrize("name", emotions.NAMES[1:])
def test_whatever_is_felt_the_lips_close_and_reach_the_teeth(name: str, made_prosody: Make) -> None:
    before, prosody = some_curves(1_500), made_prosody(1_500)
    mood = replace(Settings().emotion, **{name: 1.0}, on_mouth=1.0)
    spoken = near_speech(prosody)
    plain = layers.perform(before, prosody, Settings())
    felt = layers.perform(before, prosody, replace(Settings(), emotion=mood))
    sealed = (lip_gap(plain) <= 0.02) & spoken
    assert sealed.sum() > 100
    assert lip_gap(felt)[sealed].max() <= 0.02 + 1e-6
    for opener in ("mouthLowerDownLeft", "mouthUpperUpRight", "mouthFunnel"):
        assert (felt.column(opener) <= plain.column(opener) + 1e-6)[sealed].all()
    rolled = (plain.column("mouthRollLower") >= 0.25) & spoken
    assert rolled.sum() > 50
    assert np.abs(felt.column("mouthRollLower") - plain.column("mouthRollLower"))[rolled].max() < 1e-6
    for away in ("jawOpen", "mouthLowerDownLeft", "mouthRollUpper", "mouthPressLeft"):
        assert (felt.column(away) <= plain.column(away) + 1e-6)[rolled].all()


def test_the_last_pass_leaves_alone_what_keeps_the_promise(made_prosody: Make) -> None:
    before, prosody = some_curves(1_500), made_prosody(1_500)
    kept = closures.keep_closures(before, before)
    again = closures.keep_speech(kept, kept, prosody)
    assert again.values.tobytes() == kept.values.tobytes()


def test_a_jaw_that_hangs_in_a_pause_is_closed_by_degrees_before_and_after_speech(made_prosody: Make) -> None:
    still, prosody = Curves(np.zeros((600, len(channels.ALL)), np.float32), channels.ALL, 50.0), made_prosody(600)
    gape = replace(Settings(), emotion=replace(Settings().emotion, surprise=1.0))
    gap = lip_gap(layers.perform(still, prosody, gape))
    assert gap.max() > 0.1
    assert gap[near_speech(prosody)].max() <= 0.02 + 1e-6
    assert np.abs(np.diff(gap)).max() < 0.06


def test_curves_and_prosody_of_different_length_are_refused(made_prosody: Make) -> None:
    with pytest.raises(ValueError, match="need the same"):
        layers.perform(some_curves(10), made_prosody(11), Settings())
