"""Fewer Keys against Blender's own Decimate, allowed the same error, on a spoken line: keys, time, what the face keeps.

Run with the Python that has bpy: `python benchmarks/fewer_keys.py`. Prints rows for BENCHMARKS.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from addon.blender.base import compat
from addon.blender.fcurves.targets import value_path
from addon.core import channels, pipeline
from addon.core.curves import SEALED_GAP, Curves, lip_gap, resample
from benchmarks.key_writing import bake_keys, face

LINE = Path(__file__).resolve().parent.parent / "samples/every_voice_you_love.wav"
FPS = 30.0
ERROR = 0.01  # of a slider's span: what Fewer Keys allows unless told otherwise
FINE = 10  # looks from a frame to the next
REPEATS = 5


def main() -> None:
    """Writes the line's keys with few of them, both ways in this one run, and looks at every curve afterwards."""
    spoken = resample(pipeline.animate(LINE), FPS).select(channels.ARKIT)
    print(f"| {spoken.values.size:,}, a key a frame | | | | |")
    for name, write in (("*Fewer Keys*", by_fit), ("Blender's Decimate, Allowed Change", by_decimate)):
        runs = [timed(write, spoken) for _ in range(REPEATS)]
        keys, seconds = runs[0][0], min(taken for _keys, taken in runs)
        print(row(name, keys, seconds, spoken))


def timed(write: Callable[[bpy.types.Key, Curves], None], spoken: Curves) -> tuple[bpy.types.Key, float]:
    """A fresh face's keys, and the processor seconds until there are few: a busy machine does not count."""
    keys = face(spoken.names)
    start = time.process_time()
    write(keys, spoken)
    return keys, time.process_time() - start


def by_fit(keys: bpy.types.Key, spoken: Curves) -> None:
    """As Animate writes them with Fewer Keys."""
    bake_keys(keys, spoken, ERROR)


def by_decimate(keys: bpy.types.Key, spoken: Curves) -> None:
    """A key a frame, and then what the Graph Editor offers against it."""
    bake_keys(keys, spoken, None)
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "GRAPH_EDITOR"
    area.spaces.active.dopesheet.show_only_selected = False
    region = next(region for region in area.regions if region.type == "WINDOW")
    for curve in _curves(keys):
        curve.select = True
        curve.keyframe_points.foreach_set("select_control_point", np.ones(len(curve.keyframe_points), np.bool_))
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area, region=region):
        bpy.ops.graph.decimate(mode="ERROR", remove_error_margin=ERROR)


def row(name: str, keys: bpy.types.Key, seconds: float, spoken: Curves) -> str:
    """Keys, seconds, the largest departure from the dense curve, and the share of sealed frames that stay sealed."""
    curves = {curve.data_path: curve for curve in _curves(keys)}
    at = np.arange((len(spoken.values) - 1) * FINE + 1) / FINE
    made = np.stack([[curves[value_path(name)].evaluate(1 + frame) for frame in at] for name in spoken.names], axis=1)
    rows = np.arange(len(spoken.values))
    meant = np.stack([np.interp(at, rows, spoken.column(name)) for name in spoken.names], axis=1)
    after = Curves(made[::FINE].astype(np.float32), spoken.names, FPS)
    sealed = lip_gap(spoken) <= SEALED_GAP
    kept = np.mean(lip_gap(after)[sealed] <= SEALED_GAP)
    counted = sum(len(curve.keyframe_points) for curve in curves.values())
    return f"| {name} | {counted:,} | {seconds:.3f} s | {np.abs(made - meant).max():.3f} | {kept:.0%} |"


def _curves(keys: bpy.types.Key) -> list[bpy.types.FCurve]:
    return list(compat.curves_of(keys.animation_data.action, keys))


if __name__ == "__main__":
    main()
