"""Strands: what curves come to on a head, and how the Graph Editor groups them."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from addon.blender.base import compat, sound
from addon.blender.head import rig
from addon.blender.takes import bake
from addon.core import channels
from addon.core.curves import Curves

from .conftest import Head, action_of


def ramp(*names: str) -> Curves:
    """Curves in which every named channel rises from 0 to 1 in five frames."""
    values = np.repeat(np.linspace(0, 1, 5, dtype=np.float32)[:, np.newaxis], len(names), axis=1)
    return Curves(values, names, 24)


def test_a_strand_says_where_a_control_goes_and_what_it_holds(make_head: Head):
    face = make_head("Face", ("jawOpen", "eyeBlinkLeft"))
    make_head("Teeth", ("jawOpen",), parent=face)
    strands = rig.examine(bpy.context.scene, face).strands(ramp("jawOpen"))
    assert [(strand.owner.shown, strand.path, strand.group) for strand in strands] == [
        ("Face", 'key_blocks["jawOpen"].value', "Jaw"),
        ("Face", 'key_blocks["eyeBlinkLeft"].value', "Eyes"),
        ("Teeth", 'key_blocks["jawOpen"].value', "Jaw"),
    ]
    assert strands[0].owner.block() == face.data.shape_keys
    np.testing.assert_allclose(strands[0].values, np.linspace(0, 1, 5), atol=1e-6)
    assert not strands[1].values.any()


@pytest.mark.parametrize(
    ("keys", "groups"),
    [
        (channels.ARKIT, {"Mouth", "Jaw", "Cheeks", "Brows", "Eyes", "Tongue"}),
        (("viseme_aa", "viseme_PP", "viseme_O", "viseme_E", "viseme_I"), {"Visemes"}),
    ],
)
def test_the_graph_editor_shows_the_curves_in_groups(make_head: Head, line, settings, keys, groups):
    head = make_head(keys=keys)
    bake.animate_scene(bpy.context.scene, head, sound.from_file(str(line), 1), settings)
    curves = compat.curves_of(action_of(head), head.data.shape_keys)
    assert {curve.group.name for curve in curves} == groups
