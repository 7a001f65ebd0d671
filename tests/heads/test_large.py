"""Characters of many meshes and of very many vertices."""

from __future__ import annotations

import bpy
import numpy as np

from addon.blender.head import rig
from addon.blender.head.character import character_of, moves
from addon.blender.mapping import solve_reading
from addon.core import channels

from . import builders, large
from .builders import OPEN, SEALED, gap, seen


def test_all_ten_meshes_of_a_character_move_together(scene: bpy.types.Scene):
    face = large.ten_meshes()
    report = builders.speak(face)
    assert report.meshes == 10
    assert "10 meshes" in str(report)
    found = rig.examine(scene, face)
    assert found.detection.missing == ()
    assert found.notes == ()
    for mesh in character_of(scene, face).meshes:
        jaw = mesh.data.shape_keys.key_blocks["jawOpen"]
        rest, moved = (
            np.array([point.co for point in block.data]) for block in (mesh.data.shape_keys.reference_key, jaw)
        )
        np.testing.assert_allclose(seen(mesh, 13), rest + 0.6 * (moved - rest), atol=1e-5, err_msg=mesh.name)


def test_a_key_that_one_mesh_lacks_moves_the_others(scene: bpy.types.Scene):
    face = large.ten_meshes()
    lashes = bpy.data.objects["Part 3"]
    lashes.shape_key_remove(lashes.data.shape_keys.key_blocks["jawOpen"])
    builders.speak(face)
    np.testing.assert_allclose(seen(lashes, 13), seen(lashes, 1), atol=1e-6)
    assert gap(seen(face, 13), builders.face().lips) > 0.5


def test_a_head_of_half_a_million_vertices_seals_its_lips(scene: bpy.types.Scene):
    head = large.half_a_million(keys=("jawOpen", "mouthClose", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft"))
    assert len(head.data.vertices) == large.MANY
    builders.speak(head)
    opened = [gap(seen(head, frame), builders.face().lips) for frame in OPEN]
    sealed = [gap(seen(head, frame), builders.face().lips) for frame in SEALED]
    assert min(opened) > 0.5
    assert max(sealed) < 0.05


def test_of_half_a_million_vertices_a_sample_is_compared(scene: bpy.types.Scene):
    head = large.half_a_million(keys=("jawOpen", "mouthSmileLeft"))
    shapes = solve_reading.shapes_of(character_of(scene, head))
    assert len(shapes.points) == solve_reading.MOST_POINTS
    assert shapes.names == ("jawOpen", "mouthSmileLeft")
    index = channels.ARKIT.index("jawOpen")
    full = np.linalg.norm(builders.face().moves[index], axis=1).max()
    assert np.linalg.norm(shapes.moves[0], axis=1).max() > 0.9 * full


def test_whether_a_key_of_half_a_million_vertices_moves_anything_is_known(scene: bpy.types.Scene):
    head = large.half_a_million(keys=("jawOpen",))
    head.shape_key_add(name="still")
    assert moves(head.data.shape_keys, "jawOpen")
    assert not moves(head.data.shape_keys, "still")
