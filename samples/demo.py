"""One line spoken by the demo head, with everything that comes of it: `python samples/demo.py --out out/demo`.

A script of yours would do the same: hear the line, write it onto a head, save.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

SAMPLES = Path(__file__).resolve().parent
sys.path.insert(0, str(SAMPLES.parent))
from addon import blender  # noqa: E402
from addon.blender.base import sound  # noqa: E402
from addon.blender.takes import bake  # noqa: E402
from addon.blender.takes.bake import Performance  # noqa: E402
from addon.core import audio, formats  # noqa: E402
from addon.core.curves import SEALED_GAP, Array, Curves, lip_gap  # noqa: E402
from addon.core.errors import FacewrightError, RigError, reason  # noqa: E402
from addon.core.settings import ModelSettings, Settings  # noqa: E402

LINE = SAMPLES / "maybe_my_brother_bob.wav"
HEAD = SAMPLES / "head.blend"
SIZE, QUICK_SIZE = (640, 360), (160, 90)
STRIP, QUICK_STRIP, QUICK_FRAMES = 8, 3, 6
PLOTTED = {
    "jaw and lips": ("jawOpen", "mouthClose"),
    "lip shape": ("mouthFunnel", "mouthPucker", "mouthSmileLeft", "mouthUpperUpLeft", "mouthLowerDownLeft"),
    "brows and lids": ("browInnerUp", "browOuterUpLeft", "eyeBlinkLeft", "eyeLookOutLeft"),
    "head (rad)": ("headYaw", "headPitch", "headRoll"),
}


def main(argv: list[str] | None = None) -> int:
    """Runs the demo; 2 and one line if something is missing."""
    options = _options(argv)
    started = time.monotonic()
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        performance = hear(options.line, options.seconds, options.model)
        show(performance, options.out, options.quick)
    except FacewrightError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"demo: {options.out} cannot be written: {reason(error)}; choose another --out", file=sys.stderr)
        return 2
    _say(f"done in {time.monotonic() - started:.0f} s; open {options.out / 'demo.blend'} in Blender and press space")
    return 0


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.py", description="The demo head speaks a line.")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for the results (%(default)s)")
    parser.add_argument("--line", type=Path, default=LINE, help="the spoken line, any sound file (%(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="only the first so many seconds")
    parser.add_argument("--model", default="", help="another model file (the bundled one)")
    parser.add_argument("--quick", action="store_true", help="a few small frames, to see that all of it works")
    return parser.parse_args(argv)


def hear(path: Path, seconds: float = float("inf"), model: str = "") -> Performance:
    """What the model makes of the line, or of its beginning."""
    line = replace(sound.from_file(str(path.resolve()), 1), end_s=seconds)
    started = time.monotonic()
    performance = bake.perform(line, Settings(model=ModelSettings(path=model)))
    took_s = time.monotonic() - started
    _say(f"heard {path.name}: {performance.curves.duration_s:.1f} s of speech in {took_s:.1f} s")
    return performance


def show(performance: Performance, out: Path, quick: bool = False) -> None:
    """Everything that the demo writes for a performance: .blend, .csv, plot, film and strip."""
    if not HEAD.is_file():
        raise RigError(f"the demo head {HEAD} is missing; build it with {SAMPLES / 'build_head.py'}")
    if not hasattr(bpy.types.Scene, "facewright"):
        blender.register("addon")  # takes are kept in lists of its own
    with _quiet(out):
        bpy.ops.wm.open_mainfile(filepath=str(HEAD))
    bpy.context.preferences.filepaths.save_version = 0  # no demo.blend1 from the last run
    scene, face = bpy.context.scene, bpy.data.objects["Face"]
    report = bake.write(scene, face, performance)
    scene.frame_end = report.first_frame + report.frames - 1
    for clip in bpy.data.sounds:
        clip.pack()  # so that the .blend can be sent to somebody
    with _quiet(out):
        bpy.ops.wm.save_as_mainfile(filepath=str((out / "demo.blend").resolve()), compress=True)
    _say(f"{report}: {out / 'demo.blend'}")
    for note in report.notes:
        _say(f"  note: {note}")

    formats.write(out / "demo.csv", performance.curves)
    _say(f"exported a Live Link take: {out / 'demo.csv'}")
    plot(performance, out / "demo_curves.png")
    _say(f"plotted the curves: {out / 'demo_curves.png'}")

    scene.render.resolution_x, scene.render.resolution_y = QUICK_SIZE if quick else SIZE
    strip(performance.curves, scene, out, QUICK_STRIP if quick else STRIP)
    _say(f"rendered a strip of frames: {out / 'demo_strip.png'}")
    if quick:
        scene.frame_end = min(scene.frame_end, QUICK_FRAMES)
    _say(f"rendered {scene.frame_end} frames: {film(scene, performance.line.path, out)}")


def plot(performance: Performance, path: Path) -> None:
    """The sound's waveform over the curves that tell most, with closed lips shaded."""
    import matplotlib as mpl  # only here: it is slow to load

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    curves = performance.curves
    heard = audio.read(performance.line.path)
    times_s = np.arange(len(curves.values)) / curves.rate
    figure, axes = plt.subplots(1 + len(PLOTTED), 1, figsize=(11, 8), sharex=True, height_ratios=[0.7, 1.3, 1, 1, 0.7])
    axes[0].plot(np.arange(len(heard.samples)) / heard.rate, heard.samples, linewidth=0.4, color="0.35")
    axes[0].set_ylabel("sound")
    axes[0].set_title(f"{performance.line.name}: closed lips are shaded", loc="left", fontsize=10)
    closed = (lip_gap(curves) <= SEALED_GAP) & (curves.column("mouthClose") > SEALED_GAP)
    for axis, (label, names) in zip(axes[1:], PLOTTED.items(), strict=True):
        for name in names:
            axis.plot(times_s, curves.column(name), linewidth=1.2, label=name)
        axis.fill_between(times_s, 0, 1, where=closed, transform=axis.get_xaxis_transform(), color="0.88", linewidth=0)
        axis.set_ylabel(label)
        axis.legend(loc="lower left", bbox_to_anchor=(0, 0.97), fontsize=7, ncols=len(names), frameon=False)
    axes[-1].set_xlim(0, curves.duration_s)
    axes[-1].set_xlabel("seconds")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def telling_rows(curves: Curves, count: int) -> list[int]:
    """Rows whose mouths differ most, in the order of time: each next one is the furthest from those chosen."""
    mouth = [name for name in curves.names if name.startswith(("jaw", "mouth"))]
    values = curves.select(mouth).values
    away = np.abs(values).sum(axis=1)
    chosen: list[int] = []
    for _ in range(min(count, len(values))):
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(values - values[chosen[-1]], axis=1))
        apart = np.abs(np.arange(len(values)) - chosen[-1]) < 0.12 * curves.rate
        away = np.where(apart, -1.0, away)
    return sorted(set(chosen))


def strip(curves: Curves, scene: bpy.types.Scene, out: Path, count: int) -> None:
    """A row of rendered frames, each labelled with its time."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    wide = scene.render.resolution_x
    scene.render.resolution_x = round(scene.render.resolution_y * 0.8)
    rows = telling_rows(curves, count)
    figure, axes = plt.subplots(1, len(rows), figsize=(1.6 * len(rows), 2.25), squeeze=False)
    for axis, row in zip(axes[0], rows, strict=True):
        time_s = row / curves.rate
        axis.imshow(_still(scene, 1 + time_s * sound.fps(scene), out))
        axis.set_title(f"{time_s:.2f} s", fontsize=9)
        axis.axis("off")
    figure.subplots_adjust(0, 0, 1, 0.9, 0.02)
    figure.savefig(out / "demo_strip.png", dpi=200)
    plt.close(figure)
    scene.render.resolution_x = wide


def _still(scene: bpy.types.Scene, frame: float, out: Path) -> Array:
    """One rendered frame, (H, W, 4)."""
    import matplotlib.image

    path = out / ".still.png"
    scene.frame_set(round(frame))
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(path.resolve())
    with _quiet(out):
        bpy.ops.render.render(write_still=True)
    image = matplotlib.image.imread(path)
    path.unlink()
    return image


def film(scene: bpy.types.Scene, line: Path, out: Path) -> Path:
    """The film with its sound; a Blender built without FFmpeg writes frames and a copy of the sound instead."""
    made = out / "demo.mp4"
    pictures = scene.render.image_settings
    if bpy.app.build_options.codec_ffmpeg:
        if hasattr(pictures, "media_type"):  # Blender 5 asks first what kind it is
            pictures.media_type = "VIDEO"
        pictures.file_format = "FFMPEG"
        scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "H264"
        scene.render.ffmpeg.constant_rate_factor = "HIGH"
        scene.render.ffmpeg.audio_codec, scene.render.ffmpeg.audio_bitrate = "AAC", 160
    else:
        made = out / "frames"
        made.mkdir(exist_ok=True)
        shutil.copyfile(line, out / f"demo{line.suffix}")
    scene.render.use_file_extension = made.suffix == ""
    scene.render.filepath = str((made if made.suffix else made / "frame_").resolve())
    # Half the time, and hardly seen at this size.
    scene.render.use_simplify, scene.render.simplify_subdivision_render = True, 0
    with _quiet(out):
        bpy.ops.render.render(animation=True)
    return made


@contextmanager
def _quiet(out: Path) -> Iterator[None]:
    """Keeps Blender's own chatter in blender.log, so that ours can be read."""
    sys.stdout.flush()
    kept = [os.dup(1), os.dup(2)]
    with (out / "blender.log").open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            for number, handle in enumerate(kept, start=1):
                os.dup2(handle, number)
                os.close(handle)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
