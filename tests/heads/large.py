"""Large characters, for tests and for benchmarks/bake_heads.py."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from addon.core import channels

from . import builders

MANY = 500_000


def ten_meshes(keys: Sequence[str] = channels.ARKIT) -> bpy.types.Object:
    """A face and nine parts beside it under one Empty, all with the same keys; the face."""
    top = bpy.data.objects.new("Hero", None)
    bpy.context.scene.collection.objects.link(top)
    moves = dict(zip(channels.ARKIT, builders.face().moves, strict=True))
    made = []
    for number in range(10):
        rows = slice(None) if number == 0 else slice(number, None, 10)
        own = {name: moves[name][rows] * (1 if number == 0 else 0.9) for name in keys}
        made.append(builders.mesh(builders.face().points[rows], own, "Face" if number == 0 else f"Part {number}"))
        made[-1].parent = top
    for part in made[1:]:  # what lies about a face has no lids of its own
        for name in ("eyeBlinkLeft", "eyeBlinkRight"):
            block = part.data.shape_keys.key_blocks.get(name)
            rest = np.array([point.co for point in part.data.shape_keys.reference_key.data], np.float32)
            block.data.foreach_set("co", rest.ravel())
    return made[0]


def half_a_million(keys: Sequence[str] = channels.ARKIT) -> bpy.types.Object:
    """A face whose every vertex is there many times over, a hair's breadth apart, up to MANY."""
    face = builders.face()
    copies = -(-MANY // len(face.points))
    shifts = np.random.default_rng(0).normal(size=(copies, 1, 3)) * 1e-3
    shifts[0] = 0
    points = (face.points + shifts).reshape(-1, 3)[:MANY]
    moves = {name: np.tile(face.moves[channels.ARKIT.index(name)], (copies, 1))[:MANY] for name in keys}
    return builders.mesh(points, moves)
