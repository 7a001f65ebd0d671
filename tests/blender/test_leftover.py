"""What an earlier bake has moved and a later one does not: at rest on the line's frames, or as the animator had it."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest

from addon.blender.base import compat
from addon.blender.head import mapping_rows, rig
from addon.blender.takes import bake, memory, rebake, takes
from addon.core import pipeline
from addon.core.settings import Settings

from .conftest import Head, armature_with
from .staging import QUIET, SMALL, curve_of, performance, say


@pytest.fixture
def head(make_head: Head) -> bpy.types.Object:
    return make_head(keys=(*SMALL, "Jaw Drop"))


def map_the_jaw_elsewhere(head: bpy.types.Object) -> None:
    row = mapping_rows.of(head).rows.add()
    row.channel, row.key = "jawOpen", "Jaw Drop"


def values(head: bpy.types.Object, name: str, frames: range = range(1, 49)) -> np.ndarray:
    return np.array([curve_of(head, name).evaluate(frame) for frame in frames])


def bake_again(_head: bpy.types.Object) -> None:
    take = takes.of(bpy.context.scene).takes[0]
    rebake.rebake(bpy.context.scene, take, None, QUIET, memory.UNDIRECTED)


@pytest.mark.parametrize("anew", [say, bake_again])
def test_a_key_that_the_mapping_moves_no_more_is_at_rest(head, anew):
    say(head), say(head, "other", 101)
    before, other = values(head, "jawOpen"), values(head, "jawOpen", range(101, 149))
    map_the_jaw_elsewhere(head)
    anew(head)
    assert np.ptp(before) > 0.1
    assert not values(head, "jawOpen").any()
    np.testing.assert_allclose(values(head, "Jaw Drop"), before, atol=1e-6)
    np.testing.assert_array_equal(values(head, "jawOpen", range(101, 149)), other)


def test_curves_that_are_locked_and_keys_that_are_muted_are_left_as_they_are(head):
    say(head)
    curve_of(head, "jawOpen").lock = True
    head.data.shape_keys.key_blocks["browInnerUp"].mute = True
    before = {name: values(head, name) for name in ("jawOpen", "browInnerUp")}
    map_the_jaw_elsewhere(head)
    say(head, seed=1)
    for name, was in before.items():
        np.testing.assert_array_equal(values(head, name), was)


def test_what_is_shown_without_keys_has_it_at_rest_too(head):
    say(head)
    map_the_jaw_elsewhere(head)
    found = rig.examine(bpy.context.scene, head)
    shown = {strand.path: strand.values for strand in found.strands(performance().curves, 1)}
    assert not shown['key_blocks["jawOpen"].value'].any()


@pytest.mark.parametrize("is_keyed", [False, True])
def test_a_head_that_turns_no_more_stands_as_the_animator_had_it(make_head, is_keyed):
    armature = armature_with("head")
    head = make_head(keys=SMALL, parent=armature)
    bone = armature.pose.bones["head"]
    bone.rotation_mode = "XYZ"
    for frame, turn in ((1, 0.1), (40, 0.4)) if is_keyed else ():
        bone.rotation_euler.z = turn
        bone.keyframe_insert("rotation_euler", frame=frame)
    before = turns(armature) if is_keyed else np.zeros((48, 3))
    said = performance()
    said = replace(said, curves=pipeline.perform(said.heard, Settings()), settings=Settings())
    bake.write(bpy.context.scene, head, said)
    assert np.abs(turns(armature) - before).max() > 0.01
    armature.facewright_rig.turns_head = False
    bake.write(bpy.context.scene, head, said)
    np.testing.assert_allclose(turns(armature), before, atol=1e-5)
    take = takes.of(bpy.context.scene).takes[1]
    assert {part.kind for part in take.parts} == {"shape_keys", "objects"}


def turns(armature: bpy.types.Object) -> np.ndarray:
    """The head bone's numbers on the line's frames, (T, 3)."""
    curves = {c.array_index: c for c in compat.curves_of(armature.animation_data.action, armature)}
    return np.array([[curves[axis].evaluate(frame) for axis in range(3)] for frame in range(1, 49)])
