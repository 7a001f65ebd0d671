"""Live preview: how often a second a moved slider reaches the face, on a line of 10 s and the demo head.

Run with the Python that has bpy: `python benchmarks/live_preview.py`. Prints rows for BENCHMARKS.md.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import bpy
import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from addon import blender
from addon.blender.base import hearing, sound
from addon.blender.direction import preview, properties
from addon.core.settings import ModelSettings

ROOT = Path(__file__).resolve().parent.parent
Result = TypeVar("Result")
LINE_S = 10.0
MOVES = 60  # of each slider
SLIDERS = (("articulation", "jaw"), ("emotion", "joy"), ("gaze", "spread_deg"), ("blink", "per_minute"))


def main() -> None:
    """Listens once, then moves sliders and counts the processor seconds until the head's mesh has followed."""
    blender.register("addon")
    bpy.ops.wm.open_mainfile(filepath=str(ROOT / "samples/head.blend"))
    scene, head = bpy.context.scene, bpy.data.objects["Face"]
    with tempfile.TemporaryDirectory() as folder:
        line = sound.from_file(str(ten_seconds(Path(folder))), 1)
        listening_s, heard = timed(lambda: hearing.listen(line, ModelSettings()))
        preview.begin(scene, head, line, ModelSettings(), heard)
        scene.frame_set(100)
        for section, option in SLIDERS:
            print(row(section, option, listening_s))
    preview.leave()


def ten_seconds(folder: Path) -> Path:
    """A sample line, over and over until it is long enough."""
    samples, rate = soundfile.read(ROOT / "samples/every_voice_you_love.wav")
    path = folder / "ten.wav"
    soundfile.write(path, np.resize(samples, round(LINE_S * rate)), rate)
    return path


def row(section: str, option: str, listening_s: float) -> str:
    """One slider from its lowest to its highest."""
    group = getattr(properties.choices_of(bpy.context.scene).layers, section)
    about = group.bl_rna.properties[option]
    before, taken = getattr(group, option), []
    for value in np.linspace(about.hard_min, about.hard_max, MOVES):
        setattr(group, option, float(value))
        seconds, followed = timed(follow)
        if followed:  # the first value may be the one that it has
            taken.append(seconds)
    setattr(group, option, before)
    preview.update()
    usual, slow = np.percentile(taken, (50, 95))
    return (
        f"| {section}.{option} | {usual * 1e3:.1f} ms | {slow * 1e3:.1f} ms | {1 / usual:.0f} | "
        f"{listening_s / usual:.0f} × |"
    )


def follow() -> bool:
    """What the timer of the preview does, and what Blender does before it draws."""
    followed = preview.update()
    bpy.context.view_layer.update()
    return followed


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Processor seconds, because a busy machine does not count, and the result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


if __name__ == "__main__":
    main()
