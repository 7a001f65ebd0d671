"""Times the layers alone: how soon the face follows a slider in a live preview, on one thread.

    python benchmarks/layers.py [--seconds 10] [--repeat 50]

Listening is done once and not counted. Processor time is counted, so that a machine busy with something else gives
nearly the same number. The last lines are rows for BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is imported
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from addon.core import audio  # noqa: E402
from addon.core.heard import Heard  # noqa: E402
from addon.core.pipeline import listen, perform  # noqa: E402
from addon.core.settings import DEFAULTS, EmotionSettings, Settings  # noqa: E402

MARKS = "1 joy 0.6; 3 fear 0.4 surprise 0.3; 6 sadness; 8 neutral"
CASES = {
    "every layer as it comes": DEFAULTS,
    "a keyed mood and one heard in the voice too": Settings(
        emotion=EmotionSettings(joy=0.5, contempt=0.3, track=MARKS, from_voice=0.5)
    ),
}


def line(seconds: float) -> Heard:
    """The spoken lines of samples/ one after the other, that long, as heard."""
    spoken = np.concatenate([audio.read(path).samples for path in sorted((ROOT / "samples").glob("*.wav"))])
    return listen(audio.Audio(np.resize(spoken, round(seconds * audio.RATE)).astype(np.float32), audio.RATE))


def best_ms(heard: Heard, settings: Settings, repeat: int) -> tuple[float, float]:
    """The quickest and the median run in milliseconds, of processor time, after one to warm up."""
    perform(heard, settings)
    took = []
    for _ in range(repeat):
        before = time.process_time()
        perform(heard, settings)
        took.append(1e3 * (time.process_time() - before))
    return min(took), float(np.median(took))


def main() -> int:
    """Prints a row for every case."""
    parser = argparse.ArgumentParser(description="The layers alone, on one thread.")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeat", type=int, default=50)
    options = parser.parse_args()
    heard = line(options.seconds)
    size = len(heard.to_bytes()) / 1024
    print(f"| a line of {options.seconds:g} s | best | median | updates a second |\n|---|---|---|---|")
    for name, settings in CASES.items():
        best, median = best_ms(heard, settings, options.repeat)
        print(f"| {name} | {best:.1f} ms | {median:.1f} ms | {1e3 / median:.0f} |")
    print(f"\nWhat was heard of it, kept: {size:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
