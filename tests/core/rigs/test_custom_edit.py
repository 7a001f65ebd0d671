from __future__ import annotations

import pytest

from addon.core import channels
from addon.core.rigs import CustomMap, Row, detect
from addon.core.rigs.custom_edit import filled, mirrored, other_side

from .conftest import RIGS, every_name

SIDED = {
    "mouthSmileLeft": "mouthSmileRight",
    "browDown_L": "browDown_R",
    "browDown.l": "browDown.r",
    "L_Brow.001": "R_Brow.001",
    "CTRL_L_eye_blink.ty": "CTRL_R_eye_blink.ty",
    "mouthLipsTogetherUL": "mouthLipsTogetherUR",
    "Mouth_Mouth_Press_UL": "Mouth_Mouth_Press_UR",
    "eyeLookRightL": "eyeLookLeftR",
    "blendShape1.eyeBlink_L": "blendShape1.eyeBlink_R",
    "MOUTH_LEFT": "MOUTH_RIGHT",
    "A14_Eye_Blink_Left": "A15_Eye_Blink_Right",
    "ウィンク左": "ウィンク右",
    "ウィンク(L)": "ウィンク(R)",
}


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_every_sided_control_of_every_convention_finds_its_other_side_and_back(rig):
    names = [*rig.weights, *rig.visemes]
    pairs = {name: other_side(name, names) for name in names}
    assert all(pairs[other] == name for name, other in pairs.items() if other)
    lefts = [
        control for control, parts in rig.weights.items() if len(parts) == 1 and next(iter(parts)).endswith("Left")
    ]
    twins = [name for name in lefts if any(channel.endswith("Right") for channel in rig.weights.get(pairs[name], ()))]
    centre = [name for name in lefts if pairs[name] is None]
    assert len(twins) + len(centre) == len(lefts)
    assert len(centre) <= 3  # of the face board's middle controls


@pytest.mark.parametrize(("left", "right"), SIDED.items())
def test_a_name_finds_its_other_side_however_it_says_it(left, right):
    assert other_side(left, [right]) == right
    assert other_side(right, [left]) == left


@pytest.mark.parametrize("name", ["jawOpen", "LIPFUNNEL", "Lower", "Reel", "cheekPuff_low", ""])
def test_a_name_without_a_side_has_no_other(name):
    every = [*channels.ALL, "RIPFUNNEL", "LIPFUNNER", "Rower", "Leel", "Reer"]
    assert other_side(name, every) is None


def mirror(*rows, keys):
    custom, alone = mirrored(CustomMap(rows), keys)
    return custom.rows, alone


def test_the_left_side_s_rows_come_to_the_right():
    left = Row("mouthSmileLeft", "Grin_L", 0.8, 0.1, -1, 2)
    right = Row("mouthSmileRight", "Grin_R", 0.8, 0.1, -1, 2)
    assert mirror(left, keys=["Grin_L", "Grin_R"]) == ((left, right), ())


def test_what_stood_on_the_right_gives_way_and_the_middle_stays():
    left, jaw = Row("mouthSmileLeft", "Grin_L"), Row("jawOpen", "Drop")
    old = Row("mouthSmileRight", "Something", 0.3)
    rows, _ = mirror(old, left, jaw, keys=["Grin_L", "Grin_R", "Drop"])
    assert rows == (left, Row("mouthSmileRight", "Grin_R"), jaw)


def test_a_channel_of_the_middle_is_mirrored_by_its_keys():
    left, right = Row("browInnerUp", "Inner_L", 0.7), Row("browInnerUp", "Inner_R", 0.2)
    rows, _ = mirror(left, right, keys=["Inner_L", "Inner_R"])
    assert rows == (left, Row("browInnerUp", "Inner_R", 0.7))


def test_a_turn_to_the_left_becomes_one_to_the_right():
    rows, _ = mirror(Row("leftEyeYaw", "Out_L", -1.6), Row("headRoll", "tilt_l", -1), keys=["Out_L", "Out_R", "tilt_r"])
    assert rows[1] == Row("rightEyeYaw", "Out_R", 1.6)
    assert rows[3] == Row("headRoll", "tilt_r", 1)


def test_one_key_in_the_middle_takes_both_sides():
    left = Row("mouthUpperUpLeft", "UpperUp", 0.5)
    assert mirror(left, keys=["UpperUp"])[0] == (left, Row("mouthUpperUpRight", "UpperUp", 0.5))


def test_one_signed_key_in_the_middle_goes_the_other_way_for_the_other_side():
    left = Row("jawLeft", "JawSide", -1, 0.1, -1, 0.5)
    assert mirror(left, keys=["JawSide"])[0] == (left, Row("jawRight", "JawSide", 1, -0.1, -0.5, 1))


def test_a_control_that_moves_along_the_face_s_width_goes_the_other_way():
    left = Row("leftEyeYaw", "CTRL_L_eye.tx", -1.4, low=-1)
    keys = ["CTRL_L_eye.tx", "CTRL_R_eye.tx"]
    assert mirror(left, keys=keys)[0] == (left, Row("rightEyeYaw", "CTRL_R_eye.tx", -1.4, low=-1))


def test_a_key_without_its_other_side_is_told_and_its_row_stays():
    left, right = Row("mouthSmileLeft", "Grin_L"), Row("mouthSmileRight", "Mine")
    assert mirror(left, right, keys=["Grin_L"]) == ((left, right), ("Grin_L",))


def test_mirroring_again_changes_nothing():
    plain = detect(list(RIGS["metahuman"].weights))
    once, alone = mirrored(filled(CustomMap(()), plain), plain.given)
    assert mirrored(once, plain.given) == (once, alone)
    assert alone == ()


@pytest.mark.parametrize("name", ["arkit", "arkit_lr", "metahuman", "metahuman_board", "cc_extended", "daz_genesis9"])
def test_a_symmetric_convention_is_its_own_mirror(name):
    plain = detect(every_name(RIGS[name]))
    custom = filled(CustomMap(()), plain)
    again, _ = mirrored(custom, plain.given)
    assert set(again.rows) == set(custom.rows)


def test_filling_leaves_what_is_there_and_fills_the_rest():
    mine = Row("jawOpen", "mouthFunnel", 0.3)
    custom = filled(CustomMap((mine,)), detect(channels.ARKIT))
    assert custom.rows[0] == mine
    assert len(custom.rows) == 1 + 50  # neither jawOpen's key nor mouthFunnel's channel
    assert filled(custom, detect(channels.ARKIT)) == custom


def test_filling_takes_over_how_the_lips_close():
    assert filled(CustomMap(()), detect(list(RIGS["metahuman"].weights))).closure == "share"
    assert filled(CustomMap(()), detect(channels.ARKIT)).closure == "relative"
    mine = CustomMap((Row("mouthClose", "mouthLipsTogetherUL"),))
    assert filled(mine, detect(list(RIGS["metahuman"].weights))).closure == "relative"


def test_visemes_and_unknown_names_fill_nothing():
    assert filled(CustomMap(()), detect(list(RIGS["oculus"].visemes))) == CustomMap(())
    assert filled(CustomMap(()), detect(["Smirk"])) == CustomMap(())
