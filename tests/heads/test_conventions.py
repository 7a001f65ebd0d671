"""A line baked on heads of every convention moves the mesh as it is meant, not only its keys."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from addon.blender import mapping_rows, solve
from addon.blender.character import character_of
from addon.core import channels
from addon.core.rigs import Fate, RigMap, conventions

from . import builders
from .builders import OPEN, SEALED, face, gap, seen

REST_GAP = 0.02  # centimetres: the demo head's lips at rest
SHUT_LIDS = 0.1


@pytest.mark.parametrize("convention", conventions(), ids=lambda convention: convention.name)
def test_lips_seal_and_the_mouth_opens_on_every_convention(scene: bpy.types.Scene, convention: RigMap):
    told = builders.told(convention.name)
    assert told.detection.rig == convention
    assert told.report.meshes == 1
    opened = [gap(told.points[frame], face().lips) for frame in OPEN]
    sealed = [gap(told.points[frame], face().lips) for frame in SEALED]
    assert min(opened) > 0.5, "centimetres"
    assert max(sealed) < 0.1 * min(opened), (sealed, opened)
    assert gap(told.points[49], face().lips) < REST_GAP


@pytest.mark.parametrize("convention", conventions(), ids=lambda convention: convention.name)
def test_lids_close_on_the_side_that_is_meant(scene: bpy.types.Scene, convention: RigMap):
    if convention.span[0] < 0:
        pytest.skip("one signed control opens and closes these lids, which no shape key can")
    told = builders.told(convention.name)
    fates = told.detection.fates
    if fates["eyeBlinkLeft"] is Fate.LOST:
        pytest.skip(f"{convention.title} has no lids")
    rest = {side: gap(told.points[1], face().lids[side]) for side in ("Left", "Right")}
    both = {side: gap(told.points[31], face().lids[side]) for side in ("Left", "Right")}
    left = {side: gap(told.points[37], face().lids[side]) for side in ("Left", "Right")}
    assert min(rest.values()) > 1
    assert max(both.values()) < SHUT_LIDS
    if fates["eyeBlinkLeft"] is Fate.COVERED:
        assert left["Left"] < SHUT_LIDS
        assert left["Right"] == pytest.approx(rest["Right"], abs=0.02)


@pytest.mark.parametrize("convention", conventions(), ids=lambda convention: convention.name)
def test_a_smile_lifts_the_corner_of_its_own_side(scene: bpy.types.Scene, convention: RigMap):
    told = builders.told(convention.name)
    if told.detection.fates["mouthSmileLeft"] is not Fate.COVERED:
        pytest.skip(f"{convention.title} has no smile of one side")
    lifted = (told.points[43] - told.points[1])[:, 2]
    assert lifted[face().corners["Left"]] > 0.4
    assert abs(lifted[face().corners["Right"]]) < 0.05


@pytest.mark.parametrize("spelling", ["blendShape1.{}", "{}.001", "head_lod0_mesh__{}"])
def test_what_exporters_put_round_names_moves_the_same_mesh(scene: bpy.types.Scene, spelling: str):
    convention = conventions()[0]
    plain, dressed = builders.build(convention), builders.build(convention, spelling)
    for head in (plain, dressed):
        builders.speak(head)
    for frame in (*SEALED, *OPEN):
        np.testing.assert_allclose(seen(dressed, frame), seen(plain, frame), atol=1e-5)


def test_keys_without_a_known_name_move_the_mesh_after_the_guesses_are_accepted(scene: bpy.types.Scene, demo_file):
    head = demo_file
    names = {name: f"shape {number}" for number, name in enumerate(channels.ARKIT)}
    for mesh in character_of(scene, head).meshes:
        for block in mesh.data.shape_keys.key_blocks[1:]:
            block.name = names[block.name]
    bpy.context.view_layer.objects.active = head
    assert bpy.ops.facewright.guess_mapping() == {"FINISHED"}
    kept = solve.guesses_of(scene)
    told = {names[row.title]: row.key for row in kept.rows if row.title in names}
    assert sum(name == key for name, key in told.items()) == 52
    for row in kept.rows:
        row.use = True
    assert bpy.ops.facewright.guesses_accept() == {"FINISHED"}
    assert not len(solve.guesses_of(scene).rows)
    mapped = mapping_rows.read(mapping_rows.holder(character_of(scene, head)))
    assert {row.channel: row.key for row in mapped.rows} == names
    builders.speak(head)
    chin = int(np.argmin(seen(head, 1)[:, 2] + 1e3 * (seen(head, 1)[:, 1] > -0.6)))
    dropped = {frame: float((seen(head, 1) - seen(head, frame))[chin, 2]) for frame in (13, 31)}
    assert dropped[13] > 0.1  # Blender units of ten centimetres
    assert abs(dropped[31]) < 0.01
