from __future__ import annotations

import numpy as np
import pytest

from addon.core import channels
from addon.core.curves import SEALED_GAP, Curves, lip_gap
from addon.core.rigs import RigMap, detect

from .conftest import RIGS, every_name, some_names, speech, still

# Epic's ARKit mapping pose: channel → raw controls at 1; a tuple gives the sides or quarters that share the weight.
QUARTERS, SIDES = ("UL", "UR", "DL", "DR"), ("L", "R")
EPIC: dict[str, dict[str, float]] = {
    "eyeBlinkLeft": {"eyeBlinkL": 1},
    "eyeLookDownLeft": {"eyeLookDownL": 1},
    "eyeLookInLeft": {"eyeLookRightL": 1},
    "eyeLookOutLeft": {"eyeLookLeftL": 1},
    "eyeLookUpLeft": {"eyeLookUpL": 1},
    "eyeSquintLeft": {"eyeSquintInnerL": 1},
    "eyeWideLeft": {"eyeWidenL": 1},
    "eyeBlinkRight": {"eyeBlinkR": 1},
    "eyeLookDownRight": {"eyeLookDownR": 1},
    "eyeLookInRight": {"eyeLookLeftR": 1},
    "eyeLookOutRight": {"eyeLookRightR": 1},
    "eyeLookUpRight": {"eyeLookUpR": 1},
    "eyeSquintRight": {"eyeSquintInnerR": 1},
    "eyeWideRight": {"eyeWidenR": 1},
    "jawForward": {"jawFwd": 0.9986},
    "jawLeft": {"jawLeft": 1},
    "jawRight": {"jawRight": 1},
    "jawOpen": {"jawOpen": 1},
    "mouthFunnel": {f"mouthFunnel{q}": 1 for q in QUARTERS},
    "mouthPucker": {f"mouthLipsPurse{q}": 1 for q in QUARTERS}
    | {f"mouthLipsTowards{q}": 0.412242 for q in QUARTERS}
    | {f"mouthFunnel{q}": 0.751934 for q in QUARTERS},
    "mouthLeft": {"mouthLeft": 1},
    "mouthRight": {"mouthRight": 1},
    "mouthSmileLeft": {"mouthCornerPullL": 1},
    "mouthSmileRight": {"mouthCornerPullR": 1},
    "mouthFrownLeft": {"mouthCornerDepressL": 1},
    "mouthFrownRight": {"mouthCornerDepressR": 1},
    "mouthDimpleLeft": {"mouthDimpleL": 1},
    "mouthDimpleRight": {"mouthDimpleR": 1},
    "mouthStretchLeft": {"mouthStretchL": 1},
    "mouthStretchRight": {"mouthStretchR": 1},
    "mouthRollLower": {f"mouthUpperLipRollIn{s}": 0.49881 for s in SIDES}
    | {f"mouthLowerLipRollIn{s}": 1 for s in SIDES},
    "mouthRollUpper": {f"mouthUpperLipRollIn{s}": 0.997621 for s in SIDES},
    "mouthShrugLower": {f"jawChinRaiseD{s}": 1 for s in SIDES},
    "mouthShrugUpper": {f"jawChinRaiseU{s}": 1 for s in SIDES},
    "mouthPressLeft": {"mouthPressUL": 1, "mouthPressDL": 1},
    "mouthPressRight": {"mouthPressUR": 1, "mouthPressDR": 1},
    "mouthLowerDownLeft": {"mouthLowerLipDepressL": 1},
    "mouthLowerDownRight": {"mouthLowerLipDepressR": 1},
    "mouthUpperUpLeft": {"mouthUpperLipRaiseL": 1},
    "mouthUpperUpRight": {"mouthUpperLipRaiseR": 1},
    "browDownLeft": {"browDownL": 1},
    "browDownRight": {"browDownR": 1},
    "browInnerUp": {"browLateralL": 1, "browLateralR": 1, "browRaiseInL": 1, "browRaiseInR": 1},
    "browOuterUpLeft": {"browRaiseInL": 1, "browRaiseOuterL": 1},
    "browOuterUpRight": {"browRaiseInR": 1, "browRaiseOuterR": 1},
    "cheekPuff": {"mouthCheekBlowL": 1, "mouthCheekBlowR": 1, "mouthLipsBlowL": 1, "mouthLipsBlowR": 1},
    "cheekSquintLeft": {"eyeCheekRaiseL": 1},
    "cheekSquintRight": {"eyeCheekRaiseR": 1},
    "noseSneerLeft": {"noseWrinkleL": 1},
    "noseSneerRight": {"noseWrinkleR": 1},
    "tongueOut": {"tongueDown": 0.826, "tongueOut": 0.769, "tongueRollDown": 0.2473, "tongueWide": 0.628},
}
RAW_2021 = [name.replace("tongueBendDown", "tongueRollDown") for name in RIGS["metahuman"].weights]


def moved(controls: Curves) -> dict[str, float]:
    return {name: float(value) for name, value in zip(controls.names, controls.values[0], strict=True) if value}


@pytest.mark.parametrize("channel", EPIC)
def test_metahuman_s_controls_are_set_as_epic_sets_them(channel):
    controls = RIGS["metahuman"].controls(still(**{channel: 1.0}), RAW_2021)
    assert moved(controls) == pytest.approx(EPIC[channel], abs=1e-6)


def test_every_channel_reaches_metahuman():
    assert EPIC.keys() | {"mouthClose"} == set(channels.ARKIT)


def test_metahuman_4_bends_the_tongue_down_where_2021_rolled_it():
    controls = moved(RIGS["metahuman"].controls(still(tongueOut=1.0), list(RIGS["metahuman"].weights)))
    assert controls["tongueBendDown"] == pytest.approx(0.2473)


@pytest.mark.parametrize(("jaw", "close", "together"), [(0.4, 0.1, 0.25), (0.08, 0.08, 1), (0.1, 0.2, 1), (0, 0, 0)])
def test_metahuman_s_lips_come_together_by_the_share_of_the_opening(jaw, close, together):
    controls = RIGS["metahuman"].controls(still(jawOpen=jaw, mouthClose=close), RAW_2021)
    for quarter in QUARTERS:
        assert controls.column(f"mouthLipsTogether{quarter}")[0] == pytest.approx(together, abs=1e-6)
    assert controls.column("jawOpen")[0] == pytest.approx(jaw)


def test_sums_of_several_channels_stop_at_one():
    controls = RIGS["metahuman"].controls(
        still(mouthFunnel=1.0, mouthPucker=1.0, browInnerUp=1, browOuterUpLeft=1), RAW_2021
    )
    assert controls.column("mouthFunnelUL")[0] == 1
    assert controls.column("browRaiseInL")[0] == 1
    both = RIGS["metahuman"].controls(still(mouthFunnel=0.2, mouthPucker=0.4), RAW_2021)
    assert both.column("mouthFunnelUL")[0] == pytest.approx(0.2 + 0.4 * 0.751934)


def test_raw_controls_behind_their_curve_prefix_are_the_same():
    prefixed = [f"CTRL_expressions_{name}" for name in RAW_2021]
    found = detect(prefixed)
    assert found.rig is not None
    assert found.rig.name == "metahuman"
    assert sorted(found.controls) == sorted(prefixed)


def test_the_face_board_has_its_own_signs():
    board = RIGS["metahuman_board"]
    expected = {
        "jawLeft": {"CTRL_C_jaw.tx": -1},
        "jawRight": {"CTRL_C_jaw.tx": 1},
        "mouthLeft": {"CTRL_C_mouth.tx": 1},
        "mouthRight": {"CTRL_C_mouth.tx": -1},
        "eyeLookOutLeft": {"CTRL_L_eye.tx": 1},
        "eyeLookInRight": {"CTRL_R_eye.tx": 1},
        "eyeLookDownLeft": {"CTRL_L_eye.ty": -1},
        "eyeWideRight": {"CTRL_R_eye_blink.ty": -1},
        "jawForward": {"CTRL_C_jaw_fwdBack.ty": -0.9986},
    }
    for channel, controls in expected.items():
        assert moved(board.controls(still(**{channel: 1.0}), list(board.weights))) == pytest.approx(controls)


def test_reallusion_s_metahuman_profile_takes_epic_s_weights():
    raw, own = RIGS["metahuman"].weights, RIGS["cc_metahuman"].weights
    assert sorted(map(str, raw.values())) == sorted(map(str, own.values()))


def shown_gap(rig: RigMap, found: dict[str, str], controls: Curves) -> np.ndarray:
    """How far the lips stand apart on a head that is set so."""

    def column(control: str) -> np.ndarray:
        return controls.column(found[control])

    spoken = [name for name in found if name in rig.visemes]
    if spoken:
        return sum(column(name) * rig.visemes[name].get("jawOpen", 0) for name in spoken)
    jaws = [name for name in found if rig.parts(name).keys() == {"jawOpen"}]
    jaw = np.max([column(name) / rig.parts(name)["jawOpen"] for name in jaws], axis=0)
    closers = [name for name in found if "mouthClose" in rig.parts(name)]
    close = np.min([column(name) for name in closers], axis=0) if closers else np.zeros_like(jaw)
    return {"relative": jaw - close, "share": jaw * (1 - close), "absolute": jaw}[rig.closure]


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_sealed_lips_are_sealed_on_every_head_and_open_lips_open(rig):
    mouth = speech(2.0)
    gap = lip_gap(mouth)
    for names in (every_name(rig), *(some_names(rig, seed) for seed in range(3))):
        found = detect(names)
        assert found.rig is not None
        if "jawOpen" not in found.keys or found.rig.name != rig.name:
            continue
        shown = shown_gap(found.rig, found.found, found.rig.controls(mouth, names))
        assert (shown[gap <= SEALED_GAP] <= SEALED_GAP + 1e-5).all()
        assert (shown[gap > 0.2] > 0.05).all()
    assert (gap <= SEALED_GAP).any()
    assert (gap > 0.2).any()


def test_where_the_key_is_the_whole_pose_the_jaw_gives_way():
    controls = moved(RIGS["sranipal"].controls(still(jawOpen=0.5, mouthClose=0.3), list(RIGS["sranipal"].weights)))
    assert controls == pytest.approx({"Jaw_Open": 0.2, "Mouth_Ape_Shape": 0.3})


def test_lips_that_lack_a_quarter_of_their_closing_keys_close_by_the_jaw():
    names = [name for name in RIGS["daz_genesis9"].weights if name != "facs_bs_MouthCloseUpperLeft"]
    controls = moved(RIGS["daz_genesis9"].controls(still(jawOpen=0.5, mouthClose=0.5), names))
    assert controls == {}


def test_one_key_for_both_sides_takes_their_mean():
    controls = moved(RIGS["faceshift"].controls(still(mouthUpperUpLeft=0.4), ["LipsUpperUp", "JawOpen"]))
    assert controls == pytest.approx({"LipsUpperUp": 0.2})


@pytest.mark.parametrize("rig", RIGS.values(), ids=RIGS)
def test_values_stay_within_the_convention_s_range(rig):
    wild = Curves(
        np.random.default_rng(1).uniform(-1, 2, (20, len(channels.ALL))).astype(np.float32), channels.ALL, 50.0
    )
    values = rig.controls(wild, every_name(rig)).values
    assert values.dtype == np.float32
    assert rig.span[0] <= values.min()
    assert values.max() <= rig.span[1]
