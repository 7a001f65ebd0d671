"""What a character's shape keys do, read from its meshes for the core to compare."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ...core.rigs.solve import Shapes, vertex_areas
from ...core.rigs.solve.shapes import Array, Index, drawn
from ..head.character import Character, coordinates, key_names, keys_of

MOST_POINTS = 60_000  # of all meshes together; what more there are would only cost memory


def shapes_of(character: Character) -> Shapes:
    """All of a character's meshes that have shape keys, at rest in the world; a name that several share is one key."""
    meshes = _apart(character)
    names = list(dict.fromkeys(name for mesh in meshes for name in key_names(keys_of(mesh))))
    total = sum(len(keys_of(mesh).reference_key.data) for mesh in meshes)
    parts = [_read(mesh, names, min(1.0, MOST_POINTS / max(total, 1))) for mesh in meshes]
    points, areas, moves = ([part[at] for part in parts] for at in range(3))
    return Shapes(np.concatenate(points), np.concatenate(areas), np.concatenate(moves, axis=1), tuple(names))


def _apart(character: Character) -> list[bpy.types.Object]:
    """One object for each mesh: two that show the same one say the same."""
    return list({keys_of(mesh): mesh for mesh in reversed(character.meshes)}.values())[::-1]


def _read(mesh: bpy.types.Object, names: list[str], share: float) -> tuple[Array, Array, Array]:
    """Points (V, 3), areas (V,) and moves (K, V, 3) of a share of a mesh's vertices."""
    keys = keys_of(mesh)
    turn = np.array(mesh.matrix_world.to_3x3(), np.float64)
    at = np.array(mesh.matrix_world.translation, np.float64)
    rest = coordinates(keys.reference_key)
    points = rest @ turn.T + at
    areas = vertex_areas(points, _triangles(mesh.data))
    rows = drawn(np.ones(len(points)), max(1, round(share * len(points)))) if share < 1 else np.arange(len(points))
    moves = np.zeros((len(names), len(rows), 3))
    for name in key_names(keys):
        block = keys.key_blocks[name]
        start = rest if block.relative_key == keys.reference_key else coordinates(block.relative_key)
        moves[names.index(name)] = (coordinates(block)[rows] - start[rows]) @ turn.T
    if not areas.any():
        areas = np.ones(len(points))  # loose points have no surface, and count alike
    return points[rows], areas[rows] / share, moves


def _triangles(mesh: Any) -> Index:
    """Vertices of every triangle, (F, 3)."""
    mesh.calc_loop_triangles()
    corners = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", corners)
    return corners.reshape(-1, 3).astype(np.intp)
