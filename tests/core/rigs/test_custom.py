from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core import channels
from addon.core.curves import Curves, lip_gap
from addon.core.errors import RigError
from addon.core.rigs import CustomMap, Fate, Row, conventions, detect, mapped
from addon.core.rigs.custom import build
from addon.core.rigs.custom_edit import filled

from .conftest import RIGS, every_name, speech, still

ARKIT = ["Basis", *channels.ARKIT]
PLAIN = [rig for rig in RIGS.values() if not rig.visemes]
WIDE = {"low": -10.0, "high": 10.0}


def moved(keys, rows, only=False, closure="relative", **values):
    """What a head's keys are set to, but those at rest."""
    found = mapped(detect(keys), CustomMap(tuple(rows), only, closure))
    controls = found.rig.controls(still(**values), found.controls)
    row = zip(controls.names, controls.values[0].tolist(), strict=True)
    return {name: pytest.approx(value, abs=1e-6) for name, value in row if abs(value) > 1e-9}


def test_a_row_moves_its_key_and_the_rest_stays_as_it_was_recognised():
    keys = [*ARKIT, "Grin"]
    rows = [Row("mouthSmileLeft", "Grin", gain=0.5, offset=0.1)]
    assert moved(keys, rows, mouthSmileLeft=0.8, mouthSmileRight=0.4) == {"Grin": 0.5, "mouthSmileRight": 0.4}


def test_only_the_rows_move_where_that_is_asked():
    keys = [*ARKIT, "Grin"]
    rows = [Row("mouthSmileLeft", "Grin")]
    assert moved(keys, rows, only=True, mouthSmileLeft=0.8, mouthSmileRight=0.4) == {"Grin": 0.8}


def test_a_key_that_has_rows_is_moved_by_nothing_else():
    rows = [Row("browInnerUp", "mouthSmileLeft")]
    assert moved(ARKIT, rows, mouthSmileLeft=0.8, browInnerUp=0.3) == {"mouthSmileLeft": 0.3}


def test_one_channel_moves_several_keys_and_one_key_takes_several_channels():
    rows = [Row("jawOpen", "A"), Row("jawOpen", "B", gain=0.5), Row("mouthFunnel", "B", gain=0.2)]
    assert moved(["A", "B"], rows, jawOpen=0.6, mouthFunnel=0.5) == {"A": 0.6, "B": 0.4}


def test_what_several_rows_add_up_to_stays_within_their_limits():
    rows = [Row("jawOpen", "A", high=0.7), Row("mouthFunnel", "A")]
    assert moved(["A"], rows, jawOpen=0.9, mouthFunnel=0.9) == {"A": 1.0}


def test_a_row_holds_its_key_within_its_limits():
    rows = [Row("jawOpen", "A", gain=2, low=0.1, high=0.9)]
    assert moved(["A"], rows, jawOpen=1) == {"A": 0.9}
    assert moved(["A"], rows) == {"A": 0.1}


def test_an_inverted_shape_counts_down_from_one_and_an_inverted_angle_the_other_way():
    assert moved(["Shut"], [Row("eyeBlinkLeft", "Shut", invert=True)], eyeBlinkLeft=0.3) == {"Shut": 0.7}
    assert moved(["Turn"], [Row("headYaw", "Turn", invert=True, **WIDE)], headYaw=0.3) == {"Turn": -0.3}


@pytest.mark.parametrize("rig", PLAIN, ids=lambda rig: rig.name)
def test_a_mapping_filled_from_what_was_recognised_sets_what_was_set(rig):
    names = every_name(rig)
    plain = detect(names)
    custom = filled(CustomMap(()), plain)
    mouth = speech(2.0)
    rng = np.random.default_rng(1)
    wild = mouth.with_columns(
        {name: rng.random(len(mouth.values), np.float32) for name in ("browInnerUp", "mouthLeft")}
    )
    expected = plain.rig.controls(wild, plain.controls)
    for only in (False, True):
        found = mapped(plain, CustomMap(custom.rows, only, custom.closure))
        assert set(found.controls) == set(plain.controls)
        values = found.rig.controls(wild, found.controls).select(expected.names).values
        np.testing.assert_allclose(values, expected.values, atol=2e-6)


@given(
    gain=st.floats(0.1, 5),
    offset=st.floats(-0.5, 0.5),
    high=st.floats(0.2, 1),
    invert=st.booleans(),
    with_closing_row=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_sealed_lips_stay_sealed_however_far_a_row_opens_the_jaw(gain, offset, high, invert, with_closing_row):
    rows = [Row("jawOpen", "Drop", gain, offset, -0.5, high, invert)]
    keys = [name for name in ARKIT if name != "jawOpen"] + ["Drop"]
    if with_closing_row:
        rows.append(Row("mouthClose", "Seal"))
        keys.append("Seal")
    found = mapped(detect(keys), CustomMap(tuple(rows)))
    mouth = speech(2.0)
    shown = found.rig.controls(mouth, found.controls)
    rest = found.rig.controls(still(), found.controls)
    opened = np.abs(shown.column("Drop") - rest.column("Drop"))
    closed = shown.column("Seal" if with_closing_row else "mouthClose")
    sealed = lip_gap(mouth) <= 0
    assert sealed.any()
    assert (opened - closed)[sealed].max() <= 1e-5
    assert (closed - opened).max() <= 1e-5  # lips never pass through each other


@pytest.mark.parametrize("rig", conventions(), ids=lambda rig: rig.name)
def test_a_jaw_mapped_by_hand_shuts_on_every_head_whose_lips_close_by_the_jaw(rig):
    keys = [*every_name(rig), "Drop of mine"]
    found = mapped(detect(keys), CustomMap((Row("jawOpen", "Drop of mine"),)))
    mouth = speech(2.0)
    drop = found.rig.controls(mouth, found.controls).column("Drop of mine")
    sealed = lip_gap(mouth) <= 0
    assert drop[~sealed].max() > 0.2
    closes = found.rig.can_close(found.found) and found.rig.closure != "absolute" and not found.rig.visemes
    assert closes == bool(drop[sealed].max() > 0.02)


def test_a_closing_key_that_is_missing_leaves_the_lips_to_the_jaw():
    rows = [Row("jawOpen", "Drop"), Row("mouthClose", "Upper"), Row("mouthClose", "Lower")]
    assert moved(["Drop", "Upper"], rows, jawOpen=0.5, mouthClose=0.5) == {}
    assert moved(["Drop", "Upper", "Lower"], rows, jawOpen=0.5, mouthClose=0.5) == {
        "Drop": 0.5,
        "Upper": 0.5,
        "Lower": 0.5,
    }


def test_one_of_several_closing_keys_taken_for_something_else_leaves_the_lips_to_the_jaw():
    keys = list(RIGS["metahuman"].weights)
    rows = [Row("tongueOut", "mouthLipsTogetherUL")]
    assert moved(keys, rows, jawOpen=0.5, mouthClose=0.5) == {}


def test_lips_do_not_close_over_a_jaw_whose_key_is_gone():
    assert moved(ARKIT, [Row("jawOpen", "Deleted")], jawOpen=0.5, mouthClose=0.5) == {}


def test_a_share_is_what_the_rows_of_such_a_mapping_set():
    rows = [Row("jawOpen", "Drop"), Row("mouthClose", "Together")]
    expected = {"Drop": 0.4, "Together": 0.25}
    assert moved(["Drop", "Together"], rows, closure="share", jawOpen=0.4, mouthClose=0.1) == expected


@pytest.mark.parametrize("rig", ["arkit", "metahuman"])
def test_a_share_is_what_such_a_mapping_sets_over_a_convention_too(rig: str):
    keys = [*RIGS[rig].weights, "Together"]
    set_to = moved(keys, [Row("mouthClose", "Together")], closure="share", jawOpen=0.4, mouthClose=0.1)
    assert set_to["Together"] == 0.25


def test_rows_of_other_channels_leave_it_to_the_convention_how_lips_close():
    keys = [*RIGS["metahuman"].weights, "Grin"]
    plain = moved(keys, [Row("mouthSmileLeft", "Grin")], only=False, jawOpen=0.4, mouthClose=0.1)
    assert plain == moved(keys, [], jawOpen=0.4, mouthClose=0.1)
    assert sum(value.expected == pytest.approx(0.25) for value in plain.values()) > 0


def test_the_jaw_gives_way_to_rows_that_set_a_whole_pose():
    rows = [Row("jawOpen", "Drop"), Row("mouthClose", "Pressed")]
    expected = {"Drop": 0.3, "Pressed": 0.1}
    assert moved(["Drop", "Pressed"], rows, closure="absolute", jawOpen=0.4, mouthClose=0.1) == expected


def test_rows_come_beside_visemes_which_stay_whole():
    keys = list(RIGS["oculus"].visemes)
    plain = detect(keys)
    rest = plain.rig.controls(speech(), plain.controls)
    found = mapped(detect([*keys, "Brow"]), CustomMap((Row("browInnerUp", "Brow"),)))
    beside = found.rig.controls(speech(), found.controls)
    assert beside.names == ("Brow", *rest.names)
    np.testing.assert_array_equal(beside.values[:, 1:], rest.values)


@pytest.mark.parametrize(
    "key", ['"Mund\\auf"', "口を開ける", "é" * 31 + "x", "jaw.open_grande.001", " jaw ", "line\nbreak"]
)
def test_any_name_that_a_key_can_have_can_be_mapped(key):
    assert moved(["Basis", key], [Row("jawOpen", key)], jawOpen=0.5) == {key: 0.5}


def test_a_name_longer_than_blender_keeps_means_the_key_that_was_cut():
    whole = "a_very_long_name_" * 5
    assert moved([whole[:63]], [Row("jawOpen", whole)], jawOpen=0.5) == {whole[:63]: 0.5}


def test_a_row_finds_its_key_behind_what_exporters_put_round_it_on_every_mesh():
    keys = ["shapes1.Drop", "shapes2.Drop"]
    assert moved(keys, [Row("jawOpen", "Drop")], jawOpen=0.5) == dict.fromkeys(keys, 0.5)


def test_keys_that_differ_in_case_alone_are_told_apart():
    rows = [Row("jawOpen", "Smile"), Row("browInnerUp", "smile")]
    assert moved(["Smile", "smile"], rows, jawOpen=0.5, browInnerUp=0.2) == {"Smile": 0.5, "smile": 0.2}
    found = mapped(detect(["smile"]), CustomMap(tuple(rows)))
    assert found.rig.absent == ("Smile",)


def test_a_key_that_may_not_be_written_is_not_replaced_by_one_that_reads_alike():
    found = mapped(detect(["Grin", "grin", "Basis"]), CustomMap((Row("jawOpen", "Grin"), Row("browInnerUp", "Basis"))))
    fewer = found.among(["grin", "Basis"])
    assert fewer.controls == ("Basis",)


def test_a_key_that_is_gone_is_told_by_name():
    found = mapped(detect(ARKIT), CustomMap((Row("mouthLeft", "Old name"),)))
    told = found.explain()
    assert told.startswith("ARKit names, mapped by hand: 51 of 52 keys found")
    assert "Mapped to keys that this head does not have: Old name; choose others in Mapping." in told
    assert found.fates["mouthLeft"] is Fate.LOST
    assert found.among(ARKIT[:10]).rig.absent == ("Old name",)


def test_a_head_of_unknown_names_moves_by_its_mapping_alone():
    found = mapped(detect(["Drop", "Basis"]), CustomMap((Row("jawOpen", "Drop"),)))
    assert found.explain().startswith("Mapping by hand: 1 of 1 keys found.")
    assert found.keys == {"jawOpen": "Drop"}
    assert found.controls == ("Drop",)


def test_a_mapping_of_which_the_head_has_nothing_finds_nothing():
    found = mapped(detect(["Basis"]), CustomMap((Row("jawOpen", "Drop"),)))
    assert found.keys == {}
    with pytest.raises(RigError, match="none of the mapped keys is on this head"):
        found.rig.controls(still(), ["Basis"])


def test_no_rows_are_no_mapping():
    plain = detect(ARKIT)
    assert mapped(plain, CustomMap((), only=True)) is plain


def test_a_key_s_range_is_its_row_s_and_the_convention_s_for_the_others():
    found = mapped(detect([*ARKIT, "Turn"]), CustomMap((Row("headYaw", "Turn", low=-2, high=3),)))
    assert found.rig.range_of("Turn") == (-2, 3)
    assert found.rig.range_of("jawOpen") == (0, 1)


def test_no_rows_of_curves_give_none():
    empty = still().select(channels.ALL)
    empty = type(empty)(empty.values[:0], empty.names, empty.rate)
    found = mapped(detect(ARKIT), CustomMap((Row("jawOpen", "jawOpen", 0.5),)))
    assert found.rig.controls(empty, found.controls).values.shape == (0, 52)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"channel": "jawopen", "key": "A"}, "'jawopen' is no channel; nearest is jawOpen"),
        ({"channel": "A" * 10_000, "key": "A"}, "is no channel; channels are ARKit's 52"),
        ({"channel": "jawOpen"}, "it has no key; add key = ..."),
        ({"key": "A"}, "it has no channel; add channel = ..."),
        ({"channel": "jawOpen", "key": ""}, "(jawOpen to ''): it names no key"),
        ({"channel": "jawOpen", "key": 3}, "it names no key"),
        ({"channel": 3, "key": "A"}, "3 is no channel"),
        ({"channel": "jawOpen", "key": "A\0"}, "is no text"),
        ({"channel": "jawOpen", "key": "A\ud800"}, "is no text"),
        ({"channel": "jawOpen", "key": "A", "gain": float("nan")}, "gain must be -1000 to 1000, not nan"),
        ({"channel": "jawOpen", "key": "A", "gain": float("inf")}, "gain must be -1000 to 1000, not inf"),
        ({"channel": "jawOpen", "key": "A", "gain": 10**400}, "gain must be -1000 to 1000, not a number of that size"),
        ({"channel": "jawOpen", "key": "A", "gain": [16**9999]}, "gain must be a number, not a list"),
        ({"channel": "jawOpen", "key": "A", "gain": True}, "gain must be a number, not True"),
        ({"channel": "jawOpen", "key": "A", "offset": "1"}, "offset must be a number, not '1'"),
        ({"channel": "jawOpen", "key": "A", "invert": 1}, "invert is true or false, not 1"),
        ({"channel": "jawOpen", "key": "A", "low": 0.8, "high": 0.2}, "low 0.8 is above high 0.2; swap them"),
        ({"channel": "jawOpen", "key": "A", "gian": 1}, "unknown entry 'gian'; a row has channel, key, gain"),
        ({"channel": "eyeBlinkLeft", "key": "B"}, "the same as row 1; remove one of them"),
    ],
)
def test_a_row_that_is_wrong_is_refused_in_one_line_by_number_and_reason(entry, complaint):
    with pytest.raises(RigError) as caught:
        build("the mapping 'hero.toml'", [{"channel": "eyeBlinkLeft", "key": "B"}, entry])
    message = str(caught.value)
    assert message.startswith("the mapping 'hero.toml', row 2")
    assert complaint in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize(("farthest", "closed"), [(2.0, 0.4), (3.0, 0.2)])
def test_a_slider_goes_to_two_and_a_key_that_goes_further_counts_another_unit(farthest: float, closed: float):
    rows = [Row("jawOpen", "Drop", gain=farthest, high=farthest)]
    set_to = moved([*ARKIT[1:], "Drop"], rows, jawOpen=0.5, mouthClose=0.2)
    assert set_to["mouthClose"] == closed


def test_lips_follow_a_jaw_that_counts_degrees():
    found = mapped(detect([*ARKIT[1:], "Degrees"]), CustomMap((Row("jawOpen", "Degrees", 25.0, 0.0, 0.0, 25.0),)))
    mouth = Curves(np.array([[0.02, 0.02], [0.1, 0.05], [0.4, 0.4]], np.float32), ("jawOpen", "mouthClose"), 50.0)
    shown = found.rig.controls(mouth, found.controls)
    np.testing.assert_allclose(shown.column("Degrees"), [0.5, 2.5, 10], rtol=1e-5)
    np.testing.assert_allclose(shown.column("mouthClose"), [0.02, 0.05, 0.4], rtol=1e-5)
