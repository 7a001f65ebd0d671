"""MetaHuman in all the ways that it comes to Blender: raw controls as keys or properties, profiles, the face board."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from addon.blender.base import sound
from addon.blender.head import rig
from addon.blender.takes import bake, export
from addon.core import channels
from addon.core.curves import Curves
from addon.core.errors import RigError
from addon.core.rigs import conventions
from tests.core.rigs.test_mapping import EPIC

from .conftest import Head, armature_with

RIGS = {convention.name: convention for convention in conventions()}
RAW = tuple(f"CTRL_expressions_{name}" for name in RIGS["metahuman"].weights)
UD, LR = ("U", "D"), ("L", "R")


def sides(pattern: str, value: float = 1.0) -> dict[str, float]:
    return {pattern.format(side): value for side in LR}


def corners(pattern: str, value: float = 1.0) -> dict[str, float]:
    return {pattern.format(side, end): value for side in LR for end in UD}


# What Epic's board has to be set to for each of ARKit's channels at 1, signs included.
BOARD: dict[str, dict[str, float]] = {
    "eyeBlinkLeft": {"CTRL_L_eye_blink.ty": 1},
    "eyeLookDownLeft": {"CTRL_L_eye.ty": -1},
    "eyeLookInLeft": {"CTRL_L_eye.tx": -1},
    "eyeLookOutLeft": {"CTRL_L_eye.tx": 1},
    "eyeLookUpLeft": {"CTRL_L_eye.ty": 1},
    "eyeSquintLeft": {"CTRL_L_eye_squintInner.ty": 1},
    "eyeWideLeft": {"CTRL_L_eye_blink.ty": -1},
    "eyeBlinkRight": {"CTRL_R_eye_blink.ty": 1},
    "eyeLookDownRight": {"CTRL_R_eye.ty": -1},
    "eyeLookInRight": {"CTRL_R_eye.tx": 1},
    "eyeLookOutRight": {"CTRL_R_eye.tx": -1},
    "eyeLookUpRight": {"CTRL_R_eye.ty": 1},
    "eyeSquintRight": {"CTRL_R_eye_squintInner.ty": 1},
    "eyeWideRight": {"CTRL_R_eye_blink.ty": -1},
    "jawForward": {"CTRL_C_jaw_fwdBack.ty": -0.9986},
    "jawLeft": {"CTRL_C_jaw.tx": -1},
    "jawRight": {"CTRL_C_jaw.tx": 1},
    "jawOpen": {"CTRL_C_jaw.ty": 1},
    "mouthFunnel": corners("CTRL_{}_mouth_funnel{}.ty"),
    "mouthPucker": corners("CTRL_{}_mouth_purse{}.ty")
    | corners("CTRL_{}_mouth_towards{}.ty", 0.412242)
    | corners("CTRL_{}_mouth_funnel{}.ty", 0.751934),
    "mouthLeft": {"CTRL_C_mouth.tx": 1},
    "mouthRight": {"CTRL_C_mouth.tx": -1},
    "mouthSmileLeft": {"CTRL_L_mouth_cornerPull.ty": 1},
    "mouthSmileRight": {"CTRL_R_mouth_cornerPull.ty": 1},
    "mouthFrownLeft": {"CTRL_L_mouth_cornerDepress.ty": 1},
    "mouthFrownRight": {"CTRL_R_mouth_cornerDepress.ty": 1},
    "mouthDimpleLeft": {"CTRL_L_mouth_dimple.ty": 1},
    "mouthDimpleRight": {"CTRL_R_mouth_dimple.ty": 1},
    "mouthStretchLeft": {"CTRL_L_mouth_stretch.ty": 1},
    "mouthStretchRight": {"CTRL_R_mouth_stretch.ty": 1},
    "mouthRollLower": sides("CTRL_{}_mouth_lipsRollU.ty", 0.49881) | sides("CTRL_{}_mouth_lipsRollD.ty"),
    "mouthRollUpper": sides("CTRL_{}_mouth_lipsRollU.ty", 0.997621),
    "mouthShrugLower": sides("CTRL_{}_jaw_ChinRaiseD.ty"),
    "mouthShrugUpper": sides("CTRL_{}_jaw_ChinRaiseU.ty"),
    "mouthPressLeft": {"CTRL_L_mouth_pressU.ty": 1, "CTRL_L_mouth_pressD.ty": 1},
    "mouthPressRight": {"CTRL_R_mouth_pressU.ty": 1, "CTRL_R_mouth_pressD.ty": 1},
    "mouthLowerDownLeft": {"CTRL_L_mouth_lowerLipDepress.ty": 1},
    "mouthLowerDownRight": {"CTRL_R_mouth_lowerLipDepress.ty": 1},
    "mouthUpperUpLeft": {"CTRL_L_mouth_upperLipRaise.ty": 1},
    "mouthUpperUpRight": {"CTRL_R_mouth_upperLipRaise.ty": 1},
    "browDownLeft": {"CTRL_L_brow_down.ty": 1},
    "browDownRight": {"CTRL_R_brow_down.ty": 1},
    "browInnerUp": sides("CTRL_{}_brow_lateral.ty") | sides("CTRL_{}_brow_raiseIn.ty"),
    "browOuterUpLeft": {"CTRL_L_brow_raiseIn.ty": 1, "CTRL_L_brow_raiseOut.ty": 1},
    "browOuterUpRight": {"CTRL_R_brow_raiseIn.ty": 1, "CTRL_R_brow_raiseOut.ty": 1},
    "cheekPuff": sides("CTRL_{}_mouth_suckBlow.ty") | sides("CTRL_{}_mouth_lipsBlow.ty"),
    "cheekSquintLeft": {"CTRL_L_eye_cheekRaise.ty": 1},
    "cheekSquintRight": {"CTRL_R_eye_cheekRaise.ty": 1},
    "noseSneerLeft": {"CTRL_L_nose.ty": 1},
    "noseSneerRight": {"CTRL_R_nose.ty": 1},
    "tongueOut": {
        "CTRL_C_tongue_move.ty": -0.826,
        "CTRL_C_tongue_inOut.ty": -0.769,
        "CTRL_C_tongue_bendTwist.ty": -0.2473,
        "CTRL_C_tongue_wideNarrow.ty": 0.628,
    },
}
TOGETHER = corners("CTRL_{}_mouth_lipsTogether{}.ty")


@pytest.fixture
def board(scene: bpy.types.Scene) -> bpy.types.Object:
    """An armature with all of the board's bones, each lying another way."""
    armature = bpy.data.objects.new("face_gui", bpy.data.armatures.new("face_gui"))
    scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    names = dict.fromkeys(control.rsplit(".", 1)[0] for control in RIGS["metahuman_board"].weights)
    for place, name in enumerate((*names, "CTRL_faceGUI", "GRP_C_jawGUI")):
        bone = armature.data.edit_bones.new(name)
        bone.head, bone.tail = (place, 0, 0), (place, np.cos(place), np.sin(place))
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def one_channel_a_frame() -> Curves:
    """Row t holds ARKit's channel t at 1 and every other at 0; the last row, and one before it, close an open jaw."""
    count = len(channels.ARKIT)
    values = np.zeros((count + 1, len(channels.ALL)), np.float32)
    values[np.arange(count), np.arange(count)] = 1
    values[channels.ARKIT.index("mouthClose")] = 0
    values[-1, [channels.ALL.index("jawOpen"), channels.ALL.index("mouthClose")]] = 0.5
    return Curves(values, channels.ALL, 24)


def shown(found: rig.Head) -> list[dict[str, float]]:
    """What each row comes to: control → value, of those that are not at rest."""
    strands = found.strands(one_channel_a_frame())
    rows = len(strands[0].values)
    return [{s.name: float(s.values[row]) for s in strands if s.values[row]} for row in range(rows)]


def test_the_board_is_found_among_other_bones_and_every_control_is_set_as_epic_s_rig_reads_it(board):
    found = rig.examine(bpy.context.scene, board)
    assert found.detection.rig is RIGS["metahuman_board"]
    assert found.detection.missing == ()
    rows = shown(found)
    for row, channel in enumerate(channels.ARKIT):
        assert rows[row] == pytest.approx(BOARD.get(channel, {}), abs=1e-6), channel
    assert rows[-1] == pytest.approx(TOGETHER | {"CTRL_C_jaw.ty": 0.5})
    assert BOARD.keys() | {"mouthClose"} == set(channels.ARKIT)


def test_a_baked_board_s_bones_stand_where_the_channels_put_them(board, line):
    curves = one_channel_a_frame()
    bake.write(bpy.context.scene, board, bake.Performance(sound.from_file(str(line), 1), curves, ()))
    for frame, channel in enumerate(channels.ARKIT, 1):
        bpy.context.scene.frame_set(frame)
        for control, value in BOARD.get(channel, {}).items():
            bone, axis = control.rsplit(".", 1)
            place = board.pose.bones[bone].location
            assert place["xyz".index(axis[1])] == pytest.approx(value, abs=2e-3), (channel, control)
            assert place.z == 0


def test_a_control_of_the_board_that_is_driven_or_constrained_is_left_alone(board):
    board.pose.bones["CTRL_C_jaw"].driver_add("location", 1)
    board.pose.bones["CTRL_C_mouth"].constraints.new("COPY_LOCATION").name = "Follow"
    board.pose.bones["CTRL_L_nose"].constraints.new("LIMIT_LOCATION")
    found = rig.examine(bpy.context.scene, board)
    assert "CTRL_C_jaw.ty" not in found.controls
    assert {"CTRL_C_jaw.tx", "CTRL_L_nose.ty"} <= set(found.controls)
    assert found.notes == (
        "CTRL_C_jaw.ty on face_gui: moved by drivers; remove the drivers to animate",
        "CTRL_C_mouth.tx on face_gui: moved by its constraint 'Follow'; mute it, or pick the control that it follows",
    )


def test_the_board_is_animated_where_a_rig_logic_drives_the_mesh(make_head: Head, board):
    correctives = tuple(f"head_lod0_mesh__brow_down_{side}" for side in LR) + ("head_lod0_mesh__jaw_open",)
    head = make_head("head_lod0_mesh", correctives)
    hero = bpy.data.collections.new("Ada")
    bpy.context.scene.collection.children.link(hero)
    for obj in (head, board):
        hero.objects.link(obj)
    found = rig.examine(bpy.context.scene, head)
    assert found.parts[0].owner.name == "face_gui"
    assert len(found.parts) == 1
    assert "3 shape keys follow the rig by themselves; the face board is animated instead" in found.notes


def test_a_board_of_somebody_else_is_not_taken(make_head: Head, board):
    head = make_head("Face", ("head_lod0_mesh__jaw_open",))
    with pytest.raises(RigError, match="The rig drives these 1 keys by itself"):
        rig.examine(bpy.context.scene, head)


def test_arkit_keys_on_the_mesh_go_before_a_board(make_head: Head, board):
    head = make_head("Face", channels.ARKIT, board)
    found = rig.examine(bpy.context.scene, head)
    assert [part.owner.collection for part in found.parts] == ["shape_keys"]


@pytest.mark.parametrize("names", [RAW, tuple(RIGS["metahuman"].weights)], ids=["prefixed", "bare"])
@pytest.mark.parametrize("place", ["key", "object", "armature", "bone"])
def test_raw_controls_are_set_as_epic_sets_them_wherever_they_are(make_head: Head, names, place):
    armature = armature_with("face")
    head = make_head("Face", names if place == "key" else ("Smile big",), armature)
    carrier = {"object": head, "armature": armature, "bone": armature.pose.bones["face"]}.get(place)
    for name in names if carrier is not None else ():
        carrier[name] = 0.0
    found = rig.examine(bpy.context.scene, head)
    assert found.detection.rig is RIGS["metahuman"]
    rows = shown(found)
    prefix = names[0].removesuffix("eyeBlinkL")
    for row, channel in enumerate(channels.ARKIT):
        raw = {k.replace("tongueRollDown", "tongueBendDown"): v for k, v in EPIC.get(channel, {}).items()}
        assert rows[row] == pytest.approx({prefix + name: value for name, value in raw.items()}, abs=1e-6), channel
    together = {f"{prefix}mouthLipsTogether{end}{side}": 1.0 for end in UD for side in LR}
    assert rows[-1] == pytest.approx(together | {f"{prefix}jawOpen": 0.5})


def test_a_baked_property_moves(make_head: Head, line):
    head = make_head("Face", ())
    for name in RAW:
        head[name] = 0.0
    bake.write(bpy.context.scene, head, bake.Performance(sound.from_file(str(line), 1), one_channel_a_frame(), ()))
    bpy.context.scene.frame_set(1 + channels.ARKIT.index("mouthPucker"))
    assert head["CTRL_expressions_mouthFunnelUL"] == pytest.approx(0.751934, abs=2e-3)
    assert head["CTRL_expressions_jawOpen"] == pytest.approx(0, abs=2e-3)


def test_properties_that_cannot_take_the_values_are_told(make_head: Head):
    head = make_head("Face", ())
    for name in RAW:
        head[name] = 0.0
    head["CTRL_expressions_jawOpen"] = 0
    head.id_properties_ui("CTRL_expressions_jawLeft").update(min=0.0, max=0.5)
    notes = rig.examine(bpy.context.scene, head).notes
    assert notes == (
        "CTRL_expressions_jawOpen on Face: a whole number; make it a Float in Custom Properties",
        "CTRL_expressions_jawLeft on Face: held back; set Range to 0 and 1 in Custom Properties",
    )


def test_keys_that_properties_drive_are_left_to_them(make_head: Head):
    head = make_head("Face", channels.ARKIT)
    for name in channels.ARKIT:
        head[name] = 0.0
        variable = head.data.shape_keys.key_blocks[name].driver_add("value").driver.variables.new()
        variable.targets[0].id, variable.targets[0].data_path = head, f'["{name}"]'
    found = rig.examine(bpy.context.scene, head)
    assert {place.path for place in found.parts[0].places} == {f'["{name}"]' for name in channels.ARKIT}
    assert found.notes == ("52 shape keys follow the rig by themselves; custom properties are animated instead",)


def test_reallusion_s_profile_takes_epic_s_weights_name_for_name(make_head: Head):
    """Its names are MetaHuman's with underscores, but for the press of the lips."""
    names = tuple(RIGS["cc_metahuman"].weights)
    head = make_head("CC_Base_Body", (*names, *RIGS["cc_metahuman"].idle, "C_BlinkL_LookDownL"))
    found = rig.examine(bpy.context.scene, head)
    assert "C_BlinkL_LookDownL" not in found.controls
    rows = shown(found)
    special = {"Mouth_Mouth_Press": "mouthPress", "Roll_In": "RollIn", "RollIn": "RollIn"}

    def raw(name: str) -> str:
        for theirs, ours in special.items():
            name = name.replace(theirs, ours)
        bare = name.replace("_", "")
        return bare[0].lower() + bare[1:]

    for row, channel in enumerate(channels.ARKIT):
        expected = {k.replace("tongueRollDown", "tongueBendDown"): v for k, v in EPIC.get(channel, {}).items()}
        assert {raw(name): value for name, value in rows[row].items()} == pytest.approx(expected, abs=1e-6), channel


def test_what_was_baked_on_a_board_is_read_back(board):
    given = {"eyeBlinkLeft": 1.0, "eyeLookInLeft": 0.3, "jawLeft": 0.4, "mouthRight": 0.3, "jawOpen": 0.2}
    values = np.linspace(0, 1, 10, dtype=np.float32)[:, np.newaxis] * np.array(list(given.values()), np.float32)
    line = sound.Line(Path("line.csv"), "line", 1)
    bake.write(bpy.context.scene, board, bake.Performance(line, Curves(values, tuple(given), 24.0), ()))
    found = export.read_back(bpy.context.scene, board, 1, 10)
    assert found.notes == ()
    for name in channels.ARKIT:
        wanted = np.linspace(0, given.get(name, 0.0), 10)
        np.testing.assert_allclose(found.curves.column(name), wanted, atol=1e-3, err_msg=name)
