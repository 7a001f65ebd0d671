"""One small plot for every layer, of one spoken line: `python samples/plot_layers.py --out docs/layers`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image

mpl.use("Agg")
import matplotlib.pyplot as plt

SAMPLES = Path(__file__).resolve().parent
sys.path.insert(0, str(SAMPLES.parent))
from addon.core import audio, emotions, layers, voice  # noqa: E402
from addon.core.curves import SEALED_GAP, Array, Curves, lip_gap  # noqa: E402
from addon.core.heard import Heard  # noqa: E402
from addon.core.layers.emotion import wanted  # noqa: E402
from addon.core.pipeline import listen, perform  # noqa: E402
from addon.core.prosody import Prosody, accents, phrases, runs  # noqa: E402
from addon.core.settings import (  # noqa: E402
    ArticulationSettings,
    BlinkSettings,
    EmotionSettings,
    GazeSettings,
    Settings,
    SmoothSettings,
)

LINE = SAMPLES / "maybe_my_brother_bob.wav"
COLOURS = 48  # enough for lines, and a third of the bytes
SIZE, DPI = (7.2, 2.3), 80
TRACK = "0.8 joy 0.9; 3 anger 0.8; 5 neutral"
PAUSE_S = 1.5  # put before the line, so that there is room to breathe


def main(argv: list[str] | None = None) -> int:
    """Draws them all."""
    parser = argparse.ArgumentParser(prog="plot_layers.py", description="One small plot for every layer.")
    parser.add_argument("--out", type=Path, default=Path("out/layers"))
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    line = audio.read(LINE).samples
    pause = np.zeros(round(PAUSE_S * audio.RATE), np.float32)
    heard = listen(audio.Audio(np.concatenate([pause, line]), audio.RATE))
    for name, draw in PLOTS.items():
        figure = plt.figure(figsize=SIZE, layout="constrained")
        draw(figure, heard)
        path = options.out / f"{name}.png"
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
        with Image.open(path) as picture:
            small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        print(path)
    return 0


def times(curves: Curves) -> Array:
    """Seconds of every row."""
    return np.arange(len(curves.values)) / curves.rate


def track(axis: Any, curves: Curves, *names: str, scale: float = 1.0, **look: Any) -> None:
    """Channels over time."""
    for name in names:
        axis.plot(times(curves), scale * curves.column(name), linewidth=1.1, **{"label": name, **look})


def shade(axis: Any, spans: Array, colour: str = "0.9") -> None:
    """Stretches of time, (P, 2) seconds."""
    for start, end in spans:
        axis.axvspan(start, end, color=colour, linewidth=0)


def tidy(axis: Any, title: str, unit: str = "") -> None:
    """The looks that all have in common."""
    named = bool(axis.get_legend_handles_labels()[1])
    axis.set_title(title, loc="left", fontsize=8, pad=16 if named else None)
    axis.tick_params(labelsize=7)
    axis.set_ylabel(unit, fontsize=7)
    axis.set_xlabel("seconds", fontsize=7)
    if named:  # between title and plot, where no curve runs through it
        axis.legend(fontsize=6, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, frameon=False, ncols=4)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def articulation(figure: Any, heard: Heard) -> None:
    """Lip gap from mumbling to enunciating, and a left and a right."""
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    for effort, label in ((0.5, "mumble 0.5"), (1.0, "as heard"), (1.5, "enunciate 1.5")):
        shown = perform(heard, Settings(articulation=ArticulationSettings(jaw=effort, lips=effort)))
        left.plot(times(shown), lip_gap(shown), linewidth=1.1, label=label)
    sealed = (lip_gap(shown) <= SEALED_GAP) & (shown.column("mouthClose") > SEALED_GAP)
    shade(left, np.stack(runs(sealed), axis=1) / shown.rate)
    left.set_xlim(1.3, 5)
    tidy(left, "lips apart (jawOpen - mouthClose); closures shaded")
    track(right, shown, "mouthStretchLeft", "mouthStretchRight")
    right.set_xlim(1.5, 3)
    tidy(right, "sides differ a little")


def smooth(figure: Any, heard: Heard) -> None:
    """A tremble taken out, a closure kept."""
    axis = figure.subplots()
    for width_s, label in ((0.0, "off"), (0.016, "as it comes, 16 ms"), (0.06, "60 ms")):
        shown = perform(heard, Settings(smooth=SmoothSettings(width_s=width_s)))
        axis.plot(times(shown), lip_gap(shown), linewidth=1.1, label=label)
    axis.axhline(SEALED_GAP, color="0.7", linewidth=0.8, linestyle=":")
    axis.set_xlim(1.5, 3)
    tidy(axis, "lips apart; below the dotted line they are sealed, whatever the width")


def emotion(figure: Any, heard: Heard) -> None:
    """A keyed mood and what shows of it."""
    upper, lower = figure.subplots(2, 1, sharex=True)
    keyed = EmotionSettings(track=TRACK)
    weights = wanted(heard.prosody, keyed)
    for name in ("joy", "anger"):
        upper.plot(times(heard.curves), weights[:, emotions.NAMES.index(name)], label=name)
    tidy(upper, f'track = "{TRACK}"')
    upper.set_xlabel("")
    shown = perform(heard, Settings(emotion=keyed))
    shade(lower, phrases(heard.prosody))
    track(lower, shown, "mouthSmileLeft", "cheekSquintLeft", "browDownLeft")
    tidy(lower, "while it speaks (shaded) the mouth keeps half of it, brows and cheeks all")


def heard_in_the_voice(figure: Any, heard: Heard) -> None:
    """Arousal and valence."""
    axis = figure.subplots()
    shade(axis, phrases(heard.prosody))
    axis.plot(times(heard.curves), voice.arousal(heard.prosody), label="arousal")
    axis.plot(times(heard.curves), voice.valence(heard.prosody), label="valence")
    axis.set_ylim(-1, 1)
    tidy(axis, "a rule's guess from pitch, loudness, tilt and pace; phrases shaded")


def brows(figure: Any, heard: Heard) -> None:
    """Brows and cheeks on accents."""
    axis = figure.subplots()
    shown = perform(heard)
    for time_s in accents(heard.prosody)[0]:
        axis.axvline(time_s, color="0.8", linewidth=0.8)
    track(axis, shown, "browInnerUp", "browDownLeft", "cheekSquintLeft")
    tidy(axis, "brows and cheeks; accents as lines")


def breath(figure: Any, heard: Heard) -> None:
    """The breath before the line."""
    axis = figure.subplots()
    quiet = replace(Settings(), micro=replace(Settings().micro, amount=0.0))
    shade(axis, phrases(heard.prosody))
    track(axis, perform(heard, quiet), "noseSneerLeft", "jawOpen")
    axis.set_xlim(0, 3)
    tidy(axis, "nostrils and jaw before the first sound; phrases shaded")


def micro(figure: Any, _heard: Heard) -> None:
    """Two minutes of small things."""
    axis = figure.subplots()
    rows = 120 * 50
    still = Prosody(np.full(rows, -90, np.float32), np.zeros(rows, np.float32))
    shown = layers.micro(Curves(np.zeros((rows, 0), np.float32), (), 50.0), still, Settings().micro)
    for name in shown.names:
        if shown.column(name).max() > 0.03:
            axis.plot(times(shown), shown.column(name), linewidth=1.1, label=name)
    tidy(axis, "two minutes at rest")
    axis.legend().remove()


def head(figure: Any, heard: Heard) -> None:
    """Angles of the head."""
    axis = figure.subplots()
    for time_s in accents(heard.prosody)[0]:
        axis.axvline(time_s, color="0.85", linewidth=0.8)
    track(axis, perform(heard), "headYaw", "headPitch", "headRoll", scale=float(np.rad2deg(1)))
    tidy(axis, "nods on accents (lines), a stance for each phrase, sway; pitch is positive down", "degrees")


def gaze(figure: Any, heard: Heard) -> None:
    """Where the eyes go, and the main sequence."""
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    eyes = perform(heard, replace(Settings(), head=replace(Settings().head, amount=0.0)))
    shade(left, phrases(heard.prosody))
    track(left, eyes, "leftEyeYaw", "leftEyePitch", scale=float(np.rad2deg(1)))
    tidy(left, "the eyes, head still; phrases shaded", "degrees")
    rows = 20 * 60 * 50
    talking = Prosody(np.full(rows, -20, np.float32), np.full(rows, 120, np.float32))
    world = np.rad2deg(layers.plan(talking, GazeSettings()).world)
    starts, ends = runs(np.linalg.norm(np.diff(world, axis=0), axis=1) * 50 > 1)
    sizes = np.linalg.norm(world[ends] - world[starts], axis=1)
    right.scatter(sizes, 20 * (ends - starts), s=2, color="0.4")
    right.plot([0, 25], [25, 25 + 2.4 * 25], label="25 ms + 2.4 ms a degree")
    tidy(right, "leaps, in rows of 20 ms", "ms")
    right.set_xlabel("degrees", fontsize=7)


def blink(figure: Any, heard: Heard) -> None:
    """Blinks of the line and the form of one."""
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    shade(left, phrases(heard.prosody))
    track(left, perform(heard), "eyeBlinkLeft")
    tidy(left, "blinks; phrases shaded")
    still = Prosody(np.full(3_000, -90, np.float32), np.zeros(3_000, np.float32), 500.0)
    one = layers.blink(
        Curves(np.zeros((3_000, 0), np.float32), (), 500.0), still, BlinkSettings(per_minute=20.0, doubles=0.0)
    )
    shut = one.column("eyeBlinkLeft")
    starts, ends = runs(shut > 0)
    right.plot(1e3 * np.arange(ends[1] - starts[1]) / 500, shut[starts[1] : ends[1]], color="C3")
    tidy(right, "one blink: down faster than up")
    right.set_xlabel("ms", fontsize=7)


PLOTS: dict[str, Callable[[Any, Heard], None]] = {
    "articulation": articulation, "smooth": smooth, "emotion": emotion, "voice": heard_in_the_voice, "brows": brows,
    "breath": breath, "micro": micro, "head": head, "gaze": gaze, "blink": blink,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
