"""Key writing: the bake's `foreach_set` against `keyframe_insert`, on the keys of one face for a minute of 30 fps.

Run with the Python that has bpy: `python benchmarks/key_writing.py`. Prints one row for BENCHMARKS.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from addon.blender.fcurves import lines
from addon.blender.fcurves.density import Density
from addon.blender.fcurves.targets import Owner, Strand, group_of, value_path
from addon.blender.takes import bake
from addon.core import channels, reduce
from addon.core.curves import Curves

FRAMES = 1800  # one minute at 30 fps
REPEATS = 5  # of the fast way; the slow one takes long enough to be measured once


def main() -> None:
    """Times both ways in this one run and checks that they wrote the same keys."""
    rng = np.random.default_rng(0)
    controls = Curves(rng.random((FRAMES, len(channels.ARKIT)), np.float32), channels.ARKIT, 30)
    slow, slow_s = timed(by_insertion, controls)
    runs = [timed(by_bake, controls) for _ in range(REPEATS)]
    fast, fast_s = runs[0][0], min(seconds for _keys, seconds in runs)
    check(slow, fast)
    print(
        f"| keys | {len(channels.ARKIT)} × {FRAMES:,} in Blender {bpy.app.version_string} "
        f"| {fast_s:.3f} s | `keyframe_insert` {slow_s:.1f} s | {slow_s / fast_s:.0f} × |"
    )


def timed(write: Callable[[bpy.types.Key, Curves], None], controls: Curves) -> tuple[bpy.types.Key, float]:
    """A fresh face's keys, and the processor seconds it took to write them: a busy machine does not count."""
    keys = face(controls.names)
    start = time.process_time()
    write(keys, controls)
    return keys, time.process_time() - start


def by_bake(keys: bpy.types.Key, controls: Curves) -> None:
    """As Animate writes them, the new Action included."""
    bake_keys(keys, controls, None)


def bake_keys(keys: bpy.types.Key, controls: Curves, error: float | None) -> None:
    """The keys of a face by the bake: one a frame, or few within an error."""
    bake.new_action(keys, "bake")
    owner = Owner("shape_keys", keys.name, "Face")
    strands = [
        Strand(owner, value_path(name), 0, group_of(name), name, controls.column(name)) for name in controls.names
    ]
    density = Density(error, *reduce.closures(controls))
    bake.write_strands(keys, strands, lines.Line("", "bake", 1, len(controls.values)), density)


def by_insertion(keys: bpy.types.Key, controls: Curves) -> None:
    """As scripts usually do."""
    for name, values in zip(controls.names, controls.values.T, strict=True):
        block = keys.key_blocks[name]
        for frame, value in enumerate(values, 1):
            block.value = value
            block.keyframe_insert("value", frame=frame)


def face(names: tuple[str, ...]) -> bpy.types.Key:
    """The shape keys of a new triangle."""
    mesh = bpy.data.meshes.new("Face")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    head = bpy.data.objects.new("Face", mesh)
    bpy.context.scene.collection.objects.link(head)
    for name in ("Basis", *names):
        head.shape_key_add(name=name)
    return mesh.shape_keys


def check(slow: bpy.types.Key, fast: bpy.types.Key) -> None:
    """Both ways must have written the same values on the same frames."""
    for frame in (1, 7, FRAMES):
        bpy.context.scene.frame_set(frame)
        values = [[block.value for block in keys.key_blocks] for keys in (slow, fast)]
        if not np.allclose(*values, atol=1e-6):
            raise SystemExit(f"frame {frame} differs")


if __name__ == "__main__":
    main()
