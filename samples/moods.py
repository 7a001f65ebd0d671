"""The demo head says one line in several moods, side by side: `python samples/moods.py --out docs/moods.jpg`.

Columns are moments of the line: at rest, lips sealed, lower lip at the teeth, wide open, rounded, and one before a
phrase. The sheet is how we look for lids through eyes, teeth through lips and a mouth that no longer says its line.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np

SAMPLES = Path(__file__).resolve().parent
sys.path.insert(0, str(SAMPLES.parent))
from addon.core import channels, emotions  # noqa: E402
from addon.core.curves import Array, Curves, lip_gap  # noqa: E402
from addon.core.heard import Heard  # noqa: E402
from addon.core.pipeline import listen, perform  # noqa: E402
from addon.core.settings import BlinkSettings, EmotionSettings, GazeSettings, HeadSettings, Settings  # noqa: E402

LINE = SAMPLES / "maybe_my_brother_bob.wav"
MOODS = ("neutral", "joy 0.8", "anger 0.8")
ROLL = 0.3  # mouthRollLower from which the lower lip is at the teeth
QUALITY = 82
TALL = 1.2
FACE = 0.2, 0.84, 0.18, 0.84  # top, bottom, left and right of it in the picture


def main(argv: list[str] | None = None) -> int:
    """Renders the sheet."""
    parser = argparse.ArgumentParser(prog="moods.py", description="One line in several moods, as a contact sheet.")
    parser.add_argument("--out", type=Path, default=Path("out/moods.jpg"))
    parser.add_argument("--line", type=Path, default=LINE)
    parser.add_argument("--moods", nargs="+", default=MOODS, metavar="MOOD", help="such as 'joy 0.8'")
    parser.add_argument("--size", type=int, default=200, help="pixels a picture is wide (%(default)s)")
    options = parser.parse_args(argv)
    heard = listen(options.line)
    takes = {mood: perform(heard, felt(mood)) for mood in options.moods}
    moments = telling(heard, takes[options.moods[0]])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    sheet(takes, moments, options.out, options.size)
    print(f"{options.out}: {', '.join(takes)} at {', '.join(f'{t:.2f} s' for t in moments.values())}")
    return 0


def felt(mood: str) -> Settings:
    """A mood held through the line, the eyes on the camera, the head still (only keys are shown), lids open."""
    weights = dict(zip(emotions.NAMES, emotions.mood(mood), strict=True))
    return Settings(
        emotion=EmotionSettings(**weights),
        head=HeadSettings(amount=0.0),
        gaze=GazeSettings(at_listener=1.0),
        blink=BlinkSettings(amount=0.0),
    )


def telling(heard: Heard, curves: Curves) -> dict[str, float]:
    """The moments to look at, in seconds."""
    gap, roll = lip_gap(curves), curves.column("mouthRollLower")
    rounded = curves.column("mouthPucker") + curves.column("mouthFunnel")
    loud = heard.prosody.loudness_db > np.percentile(heard.prosody.loudness_db, 40)
    rows = {
        "rest": 0,
        "sealed": int(np.argmax(np.where(gap <= 0.01, curves.column("jawOpen"), 0))),
        "f, v": int(np.argmax(np.where(gap > 0.01, roll, 0))),
        "open": int(np.argmax(gap * loud)),
        "round": int(np.argmax(rounded * (roll < ROLL))),
        "spread": int(np.argmax((curves.column("mouthStretchLeft") - rounded) * loud)),
    }
    return {name: row / curves.rate for name, row in rows.items()}


def sheet(takes: dict[str, Curves], moments: dict[str, float], out: Path, width: int) -> None:
    """A row of pictures for every take, a column for every moment."""
    import matplotlib as mpl  # only here: it is slow to load

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    bpy.ops.wm.open_mainfile(filepath=str(SAMPLES / "head.blend"))
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = width, round(width * TALL)
    render.resolution_percentage = 100
    wide, high = len(moments), len(takes)
    figure, axes = plt.subplots(
        high,
        wide,
        figsize=(wide * 1.5, high * 1.5 * TALL * (FACE[1] - FACE[0]) / (FACE[3] - FACE[2]) + 0.25),
        squeeze=False,
    )
    for number, (line, (mood, curves)) in enumerate(zip(axes, takes.items(), strict=True)):
        for axis, (what, time_s) in zip(line, moments.items(), strict=True):
            axis.imshow(picture(curves, time_s))
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_frame_on(False)
            if number == 0:
                axis.set_title(f"{what}, {time_s:.2f} s", fontsize=8)
        line[0].set_ylabel(mood, fontsize=9)
    figure.subplots_adjust(0.03, 0, 1, 0.96, 0.01, 0.01)
    figure.savefig(out, dpi=width / 1.5, pil_kwargs={"quality": QUALITY, "optimize": True})
    plt.close(figure)


def picture(curves: Curves, time_s: float) -> Array:
    """The head at that moment, (H, W, 4)."""
    import matplotlib.image

    row = min(round(time_s * curves.rate), len(curves.values) - 1)
    for keys in bpy.data.shape_keys:
        for name in set(channels.ARKIT) & set(keys.key_blocks.keys()):
            keys.key_blocks[name].value = float(curves.column(name)[row])
    with tempfile.TemporaryDirectory() as folder:
        render = bpy.context.scene.render
        render.image_settings.file_format, render.filepath = "PNG", str(Path(folder) / "still.png")
        bpy.ops.render.render(write_still=True)
        image = matplotlib.image.imread(render.filepath)
    high, wide = image.shape[:2]
    top, bottom, left, right = (round(share * size) for share, size in zip(FACE, (high, high, wide, wide), strict=True))
    return np.asarray(image[top:bottom, left:right])


if __name__ == "__main__":
    sys.exit(main())
