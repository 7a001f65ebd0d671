"""How long a stream waits for its rows: a live model in hops of 20 ms on one thread, as they come in real time.

    python benchmarks/live_stream.py [--live FILE.onnx] [--model FILE.onnx] [--sound FILE] [--minutes 3] [--rush]

The rival in the same run is what one does without a live model: the model for files hears the last two seconds anew at
every hop. *Clock* is from handing over a hop until its rows are there, on the clock; *processor* counts this thread
alone, so a machine that is busy with something else gives nearly the same number. With --rush the hops follow one
another without waiting for their time, which flatters both: nothing has left the processor's caches.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is imported
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from addon.core.audio import RATE, read  # noqa: E402
from addon.core.curves import Array  # noqa: E402
from addon.core.errors import FacewrightError  # noqa: E402
from addon.core.live import LiveFace, bundled_live_path  # noqa: E402
from addon.core.model import ALIGN_SAMPLES, HOP_SAMPLES, FaceModel, bundled_model_path  # noqa: E402

HOP_S = HOP_SAMPLES / RATE
RIVAL_SAMPLES = -(-2 * RATE // ALIGN_SAMPLES) * ALIGN_SAMPLES  # two seconds, in whole steps
RIVAL_S = 10.0  # of sound; it is slow


def hops(samples: Array, seconds: float) -> Iterator[Array]:
    """The sound again and again, 20 ms at a time."""
    whole = samples[: len(samples) // HOP_SAMPLES * HOP_SAMPLES].reshape(-1, HOP_SAMPLES)
    for number in range(round(seconds / HOP_S)):
        yield whole[number % len(whole)]


def timed(hear: Callable[[Array], object], samples: Array, seconds: float, rush: bool) -> Array:
    """Milliseconds that every hop took, (H, 2): by the clock, and of this thread's processor time."""
    took = []
    begin = time.perf_counter()
    for number, hop in enumerate(hops(samples, seconds)):
        due_s = begin + number * HOP_S - time.perf_counter()
        if due_s > 0 and not rush:
            time.sleep(due_s)
        clock, spent = time.perf_counter(), time.thread_time()
        hear(hop)
        took.append((1000 * (time.perf_counter() - clock), 1000 * (time.thread_time() - spent)))
    return np.array(took, np.float32)


def windowed(model: FaceModel) -> Callable[[Array], object]:
    """The model for files on the last two seconds, at every hop."""
    held = np.zeros(RIVAL_SAMPLES, np.float32)

    def hear(hop: Array) -> object:
        held[:-HOP_SAMPLES] = held[HOP_SAMPLES:]
        held[-HOP_SAMPLES:] = hop
        return model.run(held[np.newaxis])[0, -1]

    return hear


def held_mib() -> float:
    """What this process holds in memory; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def row(name: str, took: Array) -> str:
    """A row of the table."""
    clock, spent = (np.percentile(column, (50, 99, 100)) for column in took.T)
    share = took[:, 1].mean() / (1000 * HOP_S)
    times = " | ".join(f"{value:.1f}" for value in (*clock, *spent))
    return f"| {name} | {times} | {share:.1%} |"


def main() -> int:
    """Prints the table, and what the stream holds in memory."""
    parser = argparse.ArgumentParser(description="Latency of a live stream, hop by hop, on one thread.")
    parser.add_argument("--live", type=Path, default=bundled_live_path(), help="a live model")
    parser.add_argument("--model", type=Path, default=bundled_model_path(), help="the rival: a model for files")
    parser.add_argument("--sound", type=Path, default=ROOT / "samples" / "every_voice_you_love.wav")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--rush", action="store_true", help="do not wait for a hop's time")
    options = parser.parse_args()
    try:
        samples = read(options.sound).samples
        face, rival = LiveFace.load(options.live, "cpu"), FaceModel.load(options.model, "cpu")
    except FacewrightError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    timed(face.push, samples, 1.0, rush=True)
    begun_mib = held_mib()
    ours = timed(face.push, samples, 60 * options.minutes, options.rush)
    ended_mib = held_mib()
    hear = windowed(rival)
    timed(hear, samples, 1.0, rush=True)
    theirs = timed(hear, samples, min(RIVAL_S, 60 * options.minutes), options.rush)
    pace = "without pause" if options.rush else "in real time"
    print(f"{len(ours)} hops of 20 ms {pace}; look-ahead {face.look_ahead_ms:.0f} ms")
    print(f"memory after a second {begun_mib:.1f} MiB, at the end {ended_mib:.1f} MiB\n")
    print("| ms a hop | clock p50 | p99 | max | processor p50 | p99 | max | of real time |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    print(row(f"live, {options.live.name}", ours))
    print(row(f"{options.model.name} on the last 2 s", theirs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
