"""A line baked on heads of every convention moves the mesh as it is meant, not only its keys."""

from __future__ import annotations

import re

import bpy
import numpy as np
import pytest

from addon.blender.head import mapping_rows
from addon.blender.head.character import character_of
from addon.blender.mapping import solve
from addon.core import channels
from addon.core.rigs import CustomMap, Fate, RigMap, Row, conventions

from . import builders
from .builders import MOMENTS, OPEN, SEALED, face, gap, seen

REST_GAP = 0.02  # centimetres: the demo head's lips at rest
SHUT_LIDS = 0.1
JAWS = {"Face": "Face.jawOpen", "Teeth": "jawOpen"}
SPELT = {
    "Face": [
        lambda name: f"Face.{name}",
        lambda name: f"{name}.001",
        lambda name: name[0].upper() + name[1:],
        lambda name: re.sub("([A-Z])", r"_\1", name),
    ],
    "Teeth": [lambda name: f"{name}.001"],
    "Lashes": [lambda name: re.sub("(Left|Right)$", lambda side: f"_{side[0][0]}", name)],
}


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


@pytest.mark.parametrize(("other", "spelt"), [(mesh, spelt) for mesh, its in SPELT.items() for spelt in its])
def test_a_mesh_that_spells_its_keys_otherwise_moves_with_the_rest(scene, demo_file, other: str, spelt):
    def shown(name: str, frame: int) -> np.ndarray:
        return seen(bpy.data.objects[name], frame)

    for name in ("Face", "Teeth", "Lashes"):
        assert np.abs(shown(name, 1) - shown(name, 13)).max() == 0
    builders.speak(demo_file)
    places = [(name, frame) for name in ("Face", "Teeth", "Lashes") for frame in MOMENTS]
    before = {place: shown(*place) for place in places}
    assert np.abs(before["Teeth", 13] - before["Teeth", 1]).max() > 0.05
    for block in bpy.data.objects[other].data.shape_keys.key_blocks[1:]:
        block.name = spelt(block.name)
    for block in bpy.data.shape_keys:
        block.animation_data_clear()
    said = builders.speak(demo_file)
    assert said.meshes == 6
    assert not any("another key has the name" in note for note in said.notes)
    for place, points in before.items():
        np.testing.assert_allclose(shown(*place), points, atol=1e-5)


def test_a_row_moves_its_key_on_meshes_that_spell_it_otherwise_unless_they_have_a_row(scene, demo_file):
    for block in demo_file.data.shape_keys.key_blocks[1:]:
        block.name = f"Face.{block.name}"
    holder = mapping_rows.holder(character_of(scene, demo_file))
    jaw = {name: bpy.data.objects[name].data.shape_keys.key_blocks[key] for name, key in JAWS.items()}
    for rows, shown in (([("jawOpen", 0.5)], 0.3), ([("jawOpen", 0.5), ("Face.jawOpen", 1.0)], 0.6)):
        mapping_rows.write(holder, CustomMap(tuple(Row("jawOpen", key, gain) for key, gain in rows)))
        builders.speak(demo_file)
        scene.frame_set(13)
        assert (jaw["Teeth"].value, jaw["Face"].value) == pytest.approx((0.3, shown), abs=1e-3)
