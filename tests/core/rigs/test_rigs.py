from __future__ import annotations

import numpy as np
import pytest

from addon.core import channels
from addon.core.curves import Curves
from addon.core.errors import RigError
from addon.core.rigs import conventions, detect

RNG = np.random.default_rng(1)
CURVES = Curves(RNG.uniform(0, 1, (20, len(channels.ALL))).astype(np.float32), channels.ALL, 50.0)


def names_of(convention: str) -> list[str]:
    return list(next(rig for rig in conventions() if rig.name == convention).weights)


@pytest.mark.parametrize("convention", ["arkit", "livelink", "arkit_lr"])
def test_every_convention_is_recognised_whole(convention: str) -> None:
    names = ["Basis", *names_of(convention), "smirk"]
    found = detect(names)
    assert found.rig is not None
    assert found.rig.name == convention
    assert found.missing == ()
    assert sorted(found.keys) == sorted(channels.ARKIT)
    assert "52 of 52 keys found." in found.explain()
    controls = found.rig.controls(CURVES, names)
    assert len(controls.names) == 52
    for channel, key in found.keys.items():
        np.testing.assert_array_equal(controls.column(key), CURVES.column(channel))


@pytest.mark.parametrize(
    "decorate",
    [
        "blendShape1.{}",
        "blendShape2.head.{}",
        "!ex-{}",
        "head_lod0_mesh__{}",
        "Facial_Blends.{}",
        "{}.001",
        "blendShape1.{}.012",
        " {} ",
    ],
)
@pytest.mark.parametrize("convention", ["arkit", "livelink", "arkit_lr"])
def test_what_exporters_put_round_a_name_does_not_matter(convention: str, decorate: str) -> None:
    names = [decorate.format(name) for name in names_of(convention)]
    found = detect(names)
    assert found.rig is not None
    assert found.missing == ()
    assert sorted(found.keys.values()) == sorted(names)
    assert found.rig.controls(CURVES, names).names == tuple(found.keys[channel] for channel in found.keys)


def test_left_and_right_are_never_folded() -> None:
    for convention in conventions():
        found = convention.match(names_of(convention.name))
        assert all(control == key for control, key in found.items())


def test_an_exact_name_beats_a_decorated_one() -> None:
    assert detect(["old.jawOpen", "jawOpen", "JAWOPEN"]).keys["jawOpen"] == "jawOpen"


def test_spelling_decides_between_conventions_that_differ_by_case() -> None:
    camel, pascal = detect(names_of("arkit")[:5]).rig, detect(names_of("livelink")[:5]).rig
    assert camel is not None
    assert pascal is not None
    assert (camel.name, pascal.name) == ("arkit", "livelink")


def test_missing_keys_are_named_with_what_that_means() -> None:
    names = [name for name in channels.ARKIT if name not in ("mouthClose", "tongueOut")]
    found = detect(names)
    assert found.missing == ("mouthClose", "tongueOut")
    assert found.explain() == (
        "ARKit names: 50 of 52 keys found.\nMissing: mouthClose, tongueOut; lips will close by closing the jaw."
    )


def test_without_mouth_close_the_jaw_closes_the_lips() -> None:
    names = [name for name in channels.ARKIT if name != "mouthClose"]
    found = detect(names)
    assert found.rig is not None
    shut = CURVES.with_columns({"mouthClose": CURVES.column("jawOpen")})
    assert not found.rig.controls(shut, names).column("jawOpen").any()


def test_a_long_list_of_missing_keys_is_cut() -> None:
    explained = detect(["jawOpen"]).explain()
    assert "and 45 more" in explained
    assert len(explained.splitlines()) == 2


def test_a_head_without_known_keys_says_so_and_guesses() -> None:
    found = detect(["Key 1", "jawOpn"])
    assert found.rig is None
    assert found.keys == {}
    assert "'jawOpn' may be meant as 'jawOpen'" in found.explain()
    assert "None of the 2 keys" in found.explain()
    assert len(found.explain().splitlines()) == 2


def test_a_head_without_keys_says_so() -> None:
    assert detect([]).rig is None
    assert detect([]).explain().startswith("No shape keys")


def test_mapping_to_a_head_that_has_nothing_is_refused() -> None:
    with pytest.raises(RigError, match="no key of this head"):
        conventions()[0].controls(CURVES, ["smirk"])


def test_values_stay_within_0_and_1() -> None:
    wild = Curves(CURVES.values * 3 - 1, CURVES.names, 50.0)
    controls = conventions()[0].controls(wild, channels.ARKIT).values
    assert controls.dtype == np.float32
    assert (controls.min(), controls.max()) == (0.0, 1.0)


def test_no_rows_stay_no_rows() -> None:
    none = Curves(np.zeros((0, len(channels.ALL)), np.float32), channels.ALL, 50.0)
    assert conventions()[0].controls(none, channels.ARKIT).values.shape == (0, 52)


def test_every_table_names_known_channels_only() -> None:
    for rig in conventions():
        assert {channel for parts in rig.weights.values() for channel in parts} <= set(channels.ALL)
