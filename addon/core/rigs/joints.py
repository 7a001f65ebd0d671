"""Bones and objects that turn, known by their names: head, eyes and jaw."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .names import SUFFIX, plain

NODES = re.compile(r"^.*[:|]")  # mixamorig:Head, Armature|Head
# Of two that a rig has, the first here is turned: controls stand before the bones that follow them. A character's
# left is written `<L>`, `<l>` or `<Left>`; the right eye's names are those of the left one with the other side.
HEADS = (
    "head",  # Rigify's control, MPFB, Unity, Unreal, MetaHuman, Daz, Mixamo
    "c_head.x",  # Auto-Rig Pro
    "CC_Base_Head",  # Reallusion
    "J_Bip_C_Head",  # VRoid
    "head_fk", "head_ctrl", "ctrl_head", "head_control",
    "Head_M",  # AdvancedSkeleton
    "ORG-spine.006", "DEF-spine.006", "spine.006",  # Rigify before it is generated, or without its controls
    "ORG-head", "DEF-head", "head.x", "Bip01_Head", "Bip001_Head", "ValveBiped.Bip01_Head1",
    "頭",  # MMD
)  # fmt: skip
LEFT_EYES = (
    "eye.<L>",  # Rigify's control, at which the eye looks; MPFB
    "c_eye.<l>",  # Auto-Rig Pro
    "CC_Base_<L>_Eye",  # Reallusion
    "J_Adj_<L>_FaceEye",  # VRoid
    "FACIAL_<L>_Eye",  # MetaHuman
    "<l>Eye", "<l>_eye",  # Daz Genesis 8 and 9
    "<Left>Eye", "Eye_<Left>",  # Mixamo, Ready Player Me, Unity
    "master_eye.<L>", "eyeball.<L>", "eye_ctrl.<L>", "MCH-eye.<L>", "ORG-eye.<L>", "DEF-eye.<L>", "DEF-eyeball.<L>",
    "eyeJoint.<L>", "Bip01_<L>Eye", "Bip001_<L>Eye", "<左>目",
)  # fmt: skip
JAWS = (
    "jaw_master",  # Rigify
    "c_jawbone.x", "c_jaw.x",  # Auto-Rig Pro
    "CC_Base_JawRoot",  # Reallusion
    "lowerJaw", "lower_jaw",  # Daz
    "FACIAL_C_Jaw",  # MetaHuman
    "Jaw_M",  # AdvancedSkeleton
    "jaw", "jaw_ctrl", "jaw_bone", "mandible", "MCH-jaw_master", "ORG-jaw_master", "DEF-jaw_master", "ORG-jaw",
    "DEF-jaw", "jawbone.x", "Bip01_MJaw", "Bip001_MJaw", "あご",
)  # fmt: skip
SIDES = ({"L": "L", "l": "l", "Left": "Left", "左": "左"}, {"L": "R", "l": "r", "Left": "Right", "左": "右"})
ROLES = ("head", "left_eye", "right_eye", "jaw")


def _sided(pattern: str, side: dict[str, str]) -> str:
    return re.sub(r"<(.+?)>", lambda match: side[match[1]], pattern)


NAMES = dict(
    zip(ROLES, (HEADS, *(tuple(_sided(name, side) for name in LEFT_EYES) for side in SIDES), JAWS), strict=True)
)


def joints_named(given: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Role → those of the given names that may mean it, the best first; what is spelt exactly goes before the rest."""
    exact = dict.fromkeys(given)
    loose: dict[str, list[str]] = {}
    for name in exact:
        loose.setdefault(plain(SUFFIX.sub("", NODES.sub("", name))), []).append(name)
    found = {}
    for role, spellings in NAMES.items():
        spelt = [name for name in spellings if name in exact]
        read = [name for spelling in spellings for name in loose.get(plain(spelling), ())]
        found[role] = tuple(dict.fromkeys((*spelt, *read)))
    return found
