"""Baking a minute of speech onto a character of ten meshes and onto one of 500,000 vertices, against keyframe_insert.

Run with the Python that has bpy: `python benchmarks/bake_heads.py`. Prints rows for BENCHMARKS.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from addon import blender
from addon.blender.base import compat, sound
from addon.blender.head.character import character_of
from addon.blender.takes import bake
from addon.core import channels
from addon.core.curves import Curves
from tests.heads import large

FPS, SECONDS = 24, 60
REPEATS = 3
CHARACTERS = {"10 meshes, 52 keys each": large.ten_meshes, "500,000 vertices, 52 keys": large.half_a_million}


def main() -> None:
    """Both characters, both ways, in this one run."""
    blender.register("addon")
    print("| character | keys written | ours | `keyframe_insert` | ratio |\n|---|--:|--:|--:|--:|")
    for title, build in CHARACTERS.items():
        head = build_once(build)
        meshes = len(character_of(bpy.context.scene, head).meshes)
        theirs = _seconds(build, _insert) * meshes  # it is slow enough to be timed on one of them
        ours = min(_seconds(build, _bake) for _ in range(REPEATS))
        print(f"| {title} | {_keys():,} | {ours:.2f} s | {theirs:.0f} s | {theirs / ours:.0f} × |", flush=True)


def _keys() -> int:
    """Keys of every Action there is."""
    return sum(len(curve.keyframe_points) for key in bpy.data.shape_keys for curve in _curves(key))


def _curves(key: bpy.types.Key) -> list[bpy.types.FCurve]:
    return compat.curves_of(key.animation_data.action, key) if key.animation_data else []


def build_once(build: Callable[[], bpy.types.Object]) -> bpy.types.Object:
    """The character in an empty scene."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.context.scene.render.fps = FPS
    return build()


def _seconds(build: Callable[[], bpy.types.Object], write: Callable[[bpy.types.Object], None]) -> float:
    """Processor seconds of one way on a fresh character: a busy machine does not count."""
    head = build_once(build)
    start = time.process_time()
    write(head)
    return time.process_time() - start


def curves() -> Curves:
    """A minute in which every channel moves."""
    rng = np.random.default_rng(0)
    values = np.abs(np.cumsum(rng.normal(size=(FPS * SECONDS, len(channels.ALL))), axis=0) / 50 % 1)
    return Curves(values.astype(np.float32), channels.ALL, float(FPS))


def _bake(head: bpy.types.Object) -> None:
    """As Animate does it, from finding the character's meshes to the last key."""
    line = sound.Line(Path("/nowhere/minute.wav"), "minute", 1)
    bake.write(bpy.context.scene, head, bake.Performance(line, curves()))


def _insert(head: bpy.types.Object) -> None:
    """As scripts usually do, on the face alone."""
    values = curves()
    for block in head.data.shape_keys.key_blocks[1:]:
        for frame, value in enumerate(values.column(block.name), 1):
            block.value = value
            block.keyframe_insert("value", frame=frame)


if __name__ == "__main__":
    main()
