"""Times sound → curves on one thread, as multiples of real time, and says which stage takes how much of it.

    python benchmarks/audio_to_curves.py [--model FILE.onnx] [--sound FILE] [--seconds 60] [--repeat 3]

The rival in the same run is pocketsphinx's phone loop, which lip sync without a transcript commonly listens with (it
gives phones only, no curves); where pocketsphinx is not installed it is left out. Processor time is counted, so that a
machine busy with something else gives nearly the same number; with one thread it is what the clock shows on a quiet
one. The model's load time is left out. The last line is a row for BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is imported: its matrix products stay on one thread too
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import soundfile  # noqa: E402

from addon.core import acoustics, backend, channels, prosody  # noqa: E402
from addon.core.audio import open_sound  # noqa: E402
from addon.core.curves import Array, Curves  # noqa: E402
from addon.core.errors import FacewrightError  # noqa: E402
from addon.core.layers import perform  # noqa: E402
from addon.core.model import RATE, FaceModel, bundled_model_path  # noqa: E402
from addon.core.pipeline import animate  # noqa: E402
from addon.core.settings import DEFAULTS  # noqa: E402

STAGES = ("decode and resample", "model", "prosody", "layers")


@dataclass
class Stopwatch:
    """Processor seconds by stage."""

    spent_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    last: float = 0.0

    def start(self) -> None:
        """What follows is somebody's time."""
        self.last = time.process_time()

    def stop(self, stage: str) -> None:
        """What has passed since was this stage's."""
        now = time.process_time()
        self.spent_s[stage] += now - self.last
        self.last = now

    def timed(self, stage: str, blocks: Iterable[Array]) -> Iterator[Array]:
        """The same blocks; the time each takes to come is the stage's."""
        source = iter(blocks)
        while True:
            before = time.process_time()
            block = next(source, None)
            took = time.process_time() - before
            self.spent_s[stage] += took
            self.last += took  # and nobody else's
            if block is None:
                return
            yield block


def run_once(path: Path, model: FaceModel, watch: Stopwatch) -> Curves:
    """What `pipeline.animate` does, with a stopwatch between the stages."""
    raw, heard = [], []
    blocks = watch.timed("decode and resample", open_sound(path).blocks())
    watch.start()
    for window in model.windows(blocks, DEFAULTS.model.window_s):
        raw.append(model.predict(window))
        watch.stop("model")
        heard.append(acoustics.measure(window))
        watch.stop("prosody")
    curves = Curves(np.concatenate(raw), model.card.channels, RATE)
    watch.start()
    result = perform(curves, prosody.gather(heard), DEFAULTS).select(channels.ALL)
    watch.stop("layers")
    return result


def lines_of_ours(folder: Path, seconds: float) -> Path:
    """The spoken lines in samples/, one after the other until the time is full, as one WAV."""
    lines = sorted((ROOT / "samples").glob("*.wav"))
    if not lines:
        raise SystemExit("samples/ holds no spoken line; name a sound with --sound")
    rate = soundfile.info(lines[0]).samplerate
    spoken = np.concatenate([soundfile.read(line)[0] for line in lines if soundfile.info(line).samplerate == rate])
    path = folder / "lines.wav"
    soundfile.write(path, np.resize(spoken, round(seconds * rate)), rate)
    return path


def measure(path: Path, model: FaceModel, repeat: int) -> dict[str, float]:
    """Processor seconds of each stage in the best of several runs, after one to warm up."""
    same = np.array_equal(run_once(path, model, Stopwatch()).values, animate(path, model=model).values)
    if not same:
        raise SystemExit("this benchmark no longer does what pipeline.animate does")
    runs = []
    for _ in range(repeat):
        watch = Stopwatch()
        run_once(path, model, watch)
        runs.append(watch.spent_s)
    return min(runs, key=lambda spent: sum(spent.values()))


def rival_s(path: Path, repeat: int) -> float | None:
    """Processor seconds of pocketsphinx's phone loop, its best run too, or None where it is not installed."""
    try:
        import pocketsphinx
    except ImportError:
        return None
    phones = str(Path(pocketsphinx.get_model_path()) / "en-us" / "en-us-phone.lm.bin")
    decoder = pocketsphinx.Decoder(allphone=phones, lm=None, lw=2.0, beam=1e-20, pbeam=1e-20, loglevel="FATAL")
    took = []
    for _ in range(1 + repeat):  # the first to warm up
        before = time.process_time()
        samples = np.concatenate(list(open_sound(path).blocks()))
        decoder.start_utt()
        decoder.process_raw((np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
        decoder.end_utt()
        took.append(time.process_time() - before)
    return min(took[1:])


def main() -> int:
    """Prints the speed of every stage and of the whole."""
    parser = argparse.ArgumentParser(description="Sound to curves on one thread, in multiples of real time.")
    parser.add_argument("--model", type=Path, default=bundled_model_path())
    parser.add_argument("--sound", type=Path, help="instead of the lines in samples/")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            model = FaceModel.load(options.model, "cpu", threads=1)
            path = options.sound or lines_of_ours(Path(folder), options.seconds)
            duration_s = open_sound(path).duration_s
            spent = measure(path, model, options.repeat)
            rival = rival_s(path, options.repeat)
        except FacewrightError as error:
            print(f"benchmark: {error}", file=sys.stderr)
            return 2
    total = sum(spent.values())
    for stage, seconds in spent.items():
        print(f"{stage:20} {seconds / total:6.1%}   {duration_s / max(seconds, 1e-9):9,.0f} x real time")
    whole = duration_s / total
    print(f"{'all':20} {1:6.1%}   {whole:9,.0f} x real time, {duration_s:.0f} s of sound")
    against = f"{rival / total:.1f} ×" if rival else "not installed"
    if rival:
        print(f"{'pocketsphinx phones':20} {'':6}   {duration_s / rival:9,.0f} x real time, so {against} as long")
    print("\n| model | runtime | whole | pocketsphinx takes | " + " | ".join(STAGES) + " | machine |")
    print("|---|---|---|---|" + "---|" * (len(STAGES) + 1))
    shares = " | ".join(f"{seconds / total:.1%}" for seconds in spent.values())
    runtime = f"onnxruntime {backend.version()}, 1 thread"
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    print(
        f"| {model.card.name} {model.card.version} | {runtime} | **{whole:.0f} ×** | {against} | {shares} | {machine} |"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
