from __future__ import annotations

import math

import pytest

from addon.core import channels
from addon.core.errors import RigError
from addon.core.rigs import conventions, detect, parse
from addon.core.rigs.table import FAMILIES

from .conftest import RIGS, every_name, some_names


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_every_table_names_known_channels_and_finite_weights(rig):
    assert rig.weights or rig.visemes
    for parts in (*rig.weights.values(), *rig.visemes.values(), *rig.instead.values()):
        assert parts.keys() <= set(channels.ARKIT)
        assert all(math.isfinite(weight) and 0 < abs(weight) <= 1 for weight in parts.values())
    assert rig.approximate <= {channel for parts in rig.weights.values() for channel in parts}
    assert rig.aliases.keys() <= rig.weights.keys() | rig.visemes.keys()
    assert rig.family in FAMILIES
    assert rig.span[0] <= 0 < rig.span[1]


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_no_table_names_a_key_twice(rig):
    assert len(set(every_name(rig))) == len(every_name(rig))


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_every_convention_is_recognised_whole(rig):
    found = detect(["Basis", *every_name(rig), "smirk"])
    assert found.rig == rig
    assert found.missing == ()
    assert found.rivals == ()
    assert found.doubles == ()
    assert set(found.controls) == rig.weights.keys() | rig.visemes.keys()


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_every_convention_is_recognised_with_a_fifth_of_its_keys_lost(rig):
    for seed in range(10):
        found = detect(some_names(rig, seed)).rig
        assert found is not None
        assert found.name == rig.name


def test_left_and_right_are_never_folded():
    for rig in RIGS.values():
        assert all(control == key for control, key in rig.match([*rig.weights, *rig.visemes]).items())


def test_the_tables_are_read_once():
    assert conventions() is conventions()
    assert detect(["jawOpen"]) is detect(["jawOpen"])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("controls = ", "is no TOML"),
        ("colour = 1", "unknown entry 'colour'"),
        ('[controls]\nsmirk = "mouthSmirk"', "'smirk' in 'mine' names 'mouthSmirk', which is no channel"),
        ("[controls]\nsmirk = { mouthLeft = nan }", "has the weight nan for mouthLeft, not a number"),
        ("[controls]\nsmirk = { mouthLeft = true }", "has the weight True"),
        ('[controls]\nsmirk = { mouthLeft = "1" }', "has the weight '1'"),
        ('closure = "loose"', "closure in 'mine' is one of relative, absolute, share, not 'loose'"),
        ('[visemes]\nA = "zzz"', "names the pose 'zzz'"),
        ("[visemes]\nA = { mouthSmirk = 1 }", "'mouthSmirkLeft', which is no channel"),
    ],
)
def test_a_mapping_that_cannot_be_right_is_refused_by_what_is_wrong(text, complaint):
    with pytest.raises(RigError) as error:
        parse("mine", text)
    assert complaint in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_pose_without_a_side_is_meant_for_both():
    rig = parse("mine", "[visemes]\nEE = { mouthStretch = 0.5, jawOpen = 0.1 }")
    assert rig.visemes == {"EE": {"mouthStretchLeft": 0.5, "mouthStretchRight": 0.5, "jawOpen": 0.1}}
