from __future__ import annotations

import pytest

from addon.core.rigs.joints import NAMES, joints_named

# What the bones of well-known rigs are called: head, left eye, right eye, jaw.
RIGS = {
    "Rigify": ("head", "eye.L", "eye.R", "jaw_master"),
    "Rigify's metarig": ("spine.006", "eye.L", "eye.R", "jaw"),
    "Auto-Rig Pro": ("c_head.x", "c_eye.l", "c_eye.r", "c_jawbone.x"),
    "Reallusion": ("CC_Base_Head", "CC_Base_L_Eye", "CC_Base_R_Eye", "CC_Base_JawRoot"),
    "Daz Genesis 8": ("head", "lEye", "rEye", "lowerJaw"),
    "Daz Genesis 9": ("head", "l_eye", "r_eye", "lowerjaw"),
    "Mixamo": ("mixamorig:Head", "mixamorig:LeftEye", "mixamorig:RightEye", "mixamorig:Jaw"),
    "Ready Player Me": ("Head", "LeftEye", "RightEye", "Jaw"),
    "MetaHuman": ("head", "FACIAL_L_Eye", "FACIAL_R_Eye", "FACIAL_C_Jaw"),
    "VRoid": ("J_Bip_C_Head", "J_Adj_L_FaceEye", "J_Adj_R_FaceEye", "jaw"),
    "MPFB": ("head", "eye.L", "eye.R", "jaw"),
    "AdvancedSkeleton": ("Head_M", "Eye_L", "Eye_R", "Jaw_M"),
    "MMD": ("頭", "左目", "右目", "あご"),
}
BODY = (
    "root",
    "spine",
    "neck",
    "Neck_M",
    "clavicle.L",
    "headband",
    "eyebrow.L",
    "brow.T.L",
    "lid.T.L",
    "jawline.L",
    "eyes",
)


@pytest.mark.parametrize("names", RIGS.values(), ids=RIGS)
def test_the_bones_of_a_known_rig_are_found(names):
    found = joints_named((*BODY, *names))
    best = tuple(its[0] if its else None for its in found.values())
    assert best[:3] == names[:3]
    assert best[3] == names[3]


def test_controls_are_found_before_the_bones_that_follow_them():
    rig = ("DEF-spine.006", "ORG-spine.006", "head", "ORG-eye.L", "MCH-eye.L", "master_eye.L", "DEF-jaw", "jaw_master")
    found = joints_named(rig)
    assert [its[0] for its in found.values() if its] == ["head", "master_eye.L", "jaw_master"]
    assert found["left_eye"] == ("master_eye.L", "MCH-eye.L", "ORG-eye.L")


def test_left_is_never_taken_for_right():
    for left, right in zip(NAMES["left_eye"], NAMES["right_eye"], strict=True):
        assert left != right
        assert not joints_named((left,))["right_eye"]
        assert not joints_named((right,))["left_eye"]


def test_what_exporters_add_to_a_name_does_not_matter():
    assert joints_named(("Armature|head.001", "mixamorig9:LeftEye")) == {
        "head": ("Armature|head.001",),
        "left_eye": ("mixamorig9:LeftEye",),
        "right_eye": (),
        "jaw": (),
    }


def test_a_name_that_is_spelt_exactly_goes_first():
    assert joints_named(("HEAD", "head"))["head"] == ("head", "HEAD")
