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


MARKED = {"metahuman_board", "mpfb", "vrchat"}
TOLD_BY_CASE = {"cc3_visemes", "vrm0"}
SPELLINGS = {
    "behind a Maya node": lambda name: f"blendShape1.{name}",
    "behind two nodes": lambda name: f"character.blendShape2.{name}",
    "behind the mesh": lambda name: f"Hero_head_mesh__{name}",
    "with MPFB's mark": lambda name: f"!ex-{name}",
    "numbered by Blender": lambda name: f"{name}.003",
    "with spaces about it": lambda name: f" {name} ",
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_every_convention_is_recognised_in_what_exporters_put_round_names(rig, spell):
    if rig.name in MARKED and not spell("x").startswith(("x", " ")):
        pytest.skip("its names begin with a mark, or hold the axis of a bone; nothing is put before them")
    found = detect([spell(name) for name in every_name(rig)])
    assert found.rig is not None
    assert {found.rig.name, rig.name} in ({rig.name}, {"arkit", "mpfb"})
    for seed in range(3):
        fewer = detect([spell(name) for name in some_names(rig, seed)]).rig
        assert fewer is not None
        assert {fewer.name, rig.name} in ({rig.name}, {"arkit", "mpfb"})


@pytest.mark.parametrize(
    "change", [str.upper, str.lower, lambda name: name.replace("_", " ")], ids=["upper", "lower", "spaces"]
)
@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_letters_and_separators_do_not_hide_a_convention(rig, change):
    """Where that makes two conventions alike, such as ARKit's names and Live Link's, either is right: both mean it."""
    if rig.name in TOLD_BY_CASE and change is str.lower:
        pytest.skip("its shortest names differ from another convention's by case alone")
    names = [change(name) for name in every_name(rig)]
    found = detect(names)
    assert found.rig is not None
    told = {key: dict(found.rig.parts(control)) for control, key in found.found.items()}
    meant = {key: dict(rig.parts(control)) for control, key in rig.match(tuple(names)).items()}
    shared = told.keys() & meant.keys()
    assert len(shared) >= 0.7 * len(meant)
    assert all(told[key] == meant[key] for key in shared)


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
