from __future__ import annotations

import numpy as np
import pytest

from addon.core import channels
from addon.core.curves import Curves
from addon.core.errors import RigError
from addon.core.rigs import Fate, conventions, detect, names

RNG = np.random.default_rng(1)
CURVES = Curves(RNG.uniform(0, 1, (20, len(channels.ALL))).astype(np.float32), channels.ALL, 50.0)


def names_of(convention: str) -> list[str]:
    return list(next(rig for rig in conventions() if rig.name == convention).weights)


def idle_of(convention: str) -> tuple[str, ...]:
    return next(rig for rig in conventions() if rig.name == convention).idle


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


HOUSES = ["CC_Base_{}", "ns:{}", "a|{}", "{number:02d}_{}", "{}_bs", "{}.001.001"]


@pytest.mark.parametrize("decorate", HOUSES)
@pytest.mark.parametrize("convention", [rig.name for rig in conventions() if rig.name != "mpfb"])
def test_what_a_house_puts_round_all_names_does_not_matter(convention: str, decorate: str) -> None:
    rig = next(rig for rig in conventions() if rig.name == convention)
    names = ["Basis", *rig.weights, *rig.visemes, *rig.instead, *rig.idle]
    spelt = {name: decorate.format(name, number=number) for number, name in enumerate(names)}
    plain, found = detect(names), detect(list(spelt.values()))
    assert found.rig is not None
    assert found.rig.title == rig.title
    assert found.found == {control: spelt[key] for control, key in plain.found.items()}
    assert (found.missing, found.fates, found.completed) == (plain.missing, plain.fates, plain.completed)
    one = next(iter(found.controls))
    assert found.among([one]).controls == (one,)
    assert found.rig.controls(CURVES, [one]).names == (one,)


def test_what_two_keys_would_share_without_their_affix_stays_theirs() -> None:
    names = [f"Head_{name}" for name in channels.ARKIT]
    found = detect([*names, "jawOpen", "01_Head_x", *(f"{number}_smirk" for number in range(80))])
    assert found.keys["jawOpen"] == "jawOpen"
    assert len(set(found.controls)) == len(found.controls) == 52
    assert detect([f"{number}_jawOpen" for number in range(9)]).rig is None


@pytest.mark.parametrize(
    "names",
    [
        ["Left_eyeBlink", "Right_eyeBlink", "Left_mouthSmile", "Right_mouthSmile", "Left_eyeWide", "Right_eyeWide"],
        ["Vest_jawOpen"],
        ["Door_Open", "Door_Wide", "Door_Shut", "Door_Ajar", "Door_Half", "Door_Slam"],
        [f"Key_{chr(letter)}" for letter in range(ord("A"), ord("Z") + 1)],
    ],
)
def test_an_affix_makes_no_face_of_what_is_none(names: list[str]) -> None:
    assert detect(names).rig is None


def test_an_affix_of_a_few_keys_does_not_outbid_a_head_that_is_known() -> None:
    old = [f"old_{name}" for name in (*channels.ARKIT, "smirk", "wink", "sulk")]
    assert detect([*channels.ARKIT, *old]).controls == channels.ARKIT


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
    assert "Rename them to ARKit's 52, or let Guess from Shapes in Blender find" in found.explain()
    assert len(found.explain().splitlines()) == 2


def test_a_head_without_keys_says_so() -> None:
    assert detect([]).rig is None
    assert detect([]).explain().startswith("No shape keys")
    assert len(detect(["two\nlines", "Basis"]).explain().splitlines()) == 2


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


def test_two_conventions_on_one_head_complete_each_other() -> None:
    left = [name for name in names_of("arkit") if not name.startswith("mouth")]
    right = [name for name in names_of("arkit_lr") if name.startswith("mouth")]
    found = detect([*left, *right])
    assert found.rig is not None
    assert found.missing == ()
    assert found.completed
    assert "Keys of another convention fill in: " in found.explain()
    controls = found.rig.controls(CURVES, found.controls)
    np.testing.assert_array_equal(controls.column("mouthSmile_L"), CURVES.column("mouthSmileLeft"))
    np.testing.assert_array_equal(controls.column("eyeBlinkLeft"), CURVES.column("eyeBlinkLeft"))


def test_visemes_are_completed_by_lids_and_brows_but_not_by_a_second_mouth() -> None:
    visemes = [f"viseme_{name}" for name in "PP FF TH DD kk CH SS nn RR aa E I O U".split()]
    found = detect([*visemes, "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp", "jawOpen"])
    assert found.rig is not None
    assert found.rig.name == "oculus"
    assert found.completed == ("eyeBlinkLeft", "eyeBlinkRight", "browInnerUp")
    assert "jawOpen" not in found.controls


def test_of_keys_that_differ_in_case_the_better_spelt_is_written() -> None:
    found = detect([*names_of("arkit"), "JAWOPEN", "jaw_open"])
    assert found.rig is not None
    assert found.rig.name == "arkit"
    assert "JAWOPEN" not in found.controls
    assert found.doubles == ("JAWOPEN", "jaw_open")
    assert "Left alone, for another key has the name: JAWOPEN, jaw_open." in found.explain()


def test_a_name_that_blender_cut_off_is_known_if_only_one_can_be_meant() -> None:
    prefix = "a_mesh_of_this_name_and_rather_more_of_it_than_needed"[:50] + "__"
    found = detect([f"{prefix}{name}"[:63] for name in names_of("arkit")])
    assert found.rig is not None
    assert found.rig.name == "arkit"
    assert found.keys["mouthShrugLower"] == f"{prefix}mouthShrugL"
    assert found.keys["jawOpen"] == f"{prefix}jawOpen"
    assert {"mouthLowerDownLeft", "mouthLowerDownRight"} <= set(found.missing)  # mouthLowerD could be either
    assert len(set(found.found.values())) == len(found.found)


def test_what_a_rig_logic_drives_is_never_written() -> None:
    driven = [f"head_lod0_mesh__{name}" for name in ("brow_down_L", "jaw_open", "eye_blink_L", "mouth_left")]
    alone = detect(driven)
    assert alone.rig is None
    assert alone.explain().startswith("The rig drives these 4 keys by itself")
    beside = detect([*driven, "C_BlinkL_LookDownL", *names_of("arkit")])
    assert beside.rig is not None
    assert beside.controls == tuple(names_of("arkit"))
    assert beside.correctives == (*driven, "C_BlinkL_LookDownL")
    assert beside.doubles == ()
    assert "Left alone, for the rig drives them: head_lod0_mesh__brow_down_L" in beside.explain()


def test_the_same_key_on_several_meshes_is_written_on_all() -> None:
    names = [f"blendShape{mesh}.{name}" for mesh in (1, 2) for name in ("jawOpen", "mouthClose", "tongueOut")]
    found = detect(names)
    assert sorted(found.controls) == sorted(names)
    assert found.doubles == ()
    assert found.rig is not None
    controls = found.rig.controls(CURVES, names)
    np.testing.assert_array_equal(controls.column("blendShape1.jawOpen"), controls.column("blendShape2.jawOpen"))


def test_keys_that_another_convention_would_set_otherwise_are_told() -> None:
    unsure = detect(["aa", "ih", "ou", "oh"])
    assert unsure.rig is not None
    assert unsure.rivals == ("VRM 1.0 expressions",)
    assert "May also be VRM 1.0 expressions, which would set these keys otherwise." in unsure.explain()
    assert not detect(["Eye_Blink_L", "Eye_Blink_R", "Jaw_Open"]).rivals  # all that know these mean the same by them


def test_a_word_alone_makes_no_convention() -> None:
    assert detect(["Open", "Tight", "Wide"]).rig is not None  # three of a kind do
    assert detect(["Open", "Muscles"]).rig is None
    assert detect(["A"]).rig is None


def test_both_eyes_in_one_key_serve_where_there_are_not_two() -> None:
    vowels = ["A", "I", "U", "E", "O"]
    one = detect([*vowels, "Blink"])
    assert one.keys["eyeBlinkRight"] == "Blink"
    assert one.fates["eyeBlinkRight"] is Fate.FOLDED
    two = detect([*vowels, "Blink", "Blink_L", "Blink_R"])
    assert two.keys["eyeBlinkRight"] == "Blink_R"
    assert "Blink" not in two.controls


def test_with_fewer_keys_the_convention_stays() -> None:
    tongues = next(rig for rig in conventions() if rig.name == "audio2face").idle
    found = detect([*names_of("arkit"), *tongues])
    free = found.among(["jawOpen", "mouthClose"])
    assert free.rig is found.rig
    assert free.controls == ("jawOpen", "mouthClose")
    assert free.having(Fate.FOLDED) == ("mouthClose",)
    assert "eyeBlinkLeft" in free.missing
    assert detect([]).among(["jawOpen"]).rig is None


def test_a_name_that_two_meshes_share_counts_once() -> None:
    names = names_of("arkit")
    assert detect([*names, *names]) is detect(names)
    assert detect(names).among(["jawOpen", "jawOpen"]).controls == ("jawOpen",)


def test_what_is_left_alone_is_told_even_where_other_keys_are_locked() -> None:
    found = detect([*names_of("arkit"), "JAWOPEN", "head_lod0_mesh__brow_down_L"])
    free = found.among([key for key in found.controls if key != "mouthSmileLeft"])
    assert found.doubles == free.doubles == ("JAWOPEN",)
    assert found.correctives == free.correctives == ("head_lod0_mesh__brow_down_L",)
    assert "mouthSmileLeft" not in free.controls


def test_what_is_only_near_or_folded_is_told() -> None:
    told = detect(names_of("sranipal")).explain()
    assert told.startswith("HTC SRanipal: 36 of 36 channels found on 40 keys.\nApproximated: eyeSquintLeft, ")
    assert told.endswith("\nShown together with another channel: mouthClose.")


def test_the_choice_is_explained_by_the_scores() -> None:
    told = detect(names_of("livelink")).choice()
    assert told.startswith("Live Link Face names (1.00) fits best, then ARKit names (0.90) and ")
    assert detect([]).choice() == "nothing fits best."


def test_keys_of_one_mesh_are_known_by_what_the_others_call_them():
    lashes = ("eyeBlink_L", "eyeBlink_R", "eyeSquint_L", "eyeSquint_R")
    whole = detect((*channels.ARKIT, *lashes))
    assert set(lashes).isdisjoint(whole.controls)
    assert whole.meant_by(detect(lashes)) == {
        "eyeBlink_L": "eyeBlinkLeft",
        "eyeBlink_R": "eyeBlinkRight",
        "eyeSquint_L": "eyeSquintLeft",
        "eyeSquint_R": "eyeSquintRight",
    }
    assert not whole.meant_by(detect(channels.ARKIT)), "keys that are written already"
    assert not whole.meant_by(detect((*channels.ARKIT, *lashes))), "doubles on one mesh are left alone"


def test_a_closing_key_is_another_one_where_it_is_the_whole_pose():
    absolute = ("JawOpen", "Mouth_Ape_Shape", "Mouth_Upper_UpRight", "Mouth_Smile_Left", "Jaw_Open", "Mouth_Pout")
    whole = detect((*channels.ARKIT, *absolute))
    assert detect(absolute).rig.closure == "absolute"
    meant = whole.meant_by(detect(absolute))
    assert "Mouth_Ape_Shape" not in meant
    assert meant["Mouth_Smile_Left"] == "mouthSmileLeft"


def test_an_arkit_head_with_tongue_keys_of_metahuman_stays_one():
    theirs = [name for name in (*names_of("metahuman"), *idle_of("metahuman")) if name.startswith("tongue")]
    own = idle_of("audio2face")
    shared = [name for name in own if name in theirs]
    assert len(shared) > 8
    for tongues in (theirs, shared, shared[:8]):
        assert detect([*channels.ARKIT, *tongues]).rig.name == "arkit"
    for tongues in (own, [*shared, "tongueStretch"], [name for name in own if name != "tongueRollUp"]):
        assert detect([*channels.ARKIT, *tongues]).rig.name == "audio2face"


def test_a_name_of_thousands_of_pieces_and_thousands_behind_nodes_are_looked_through():
    assert detect(["_".join(5_000 * "a")]).rig is None
    assert len(names.index(tuple(f"node{number}.key" for number in range(40_000))).nodes["key"]) == 40_000
