"""What finished students hear in a shard, for the next one to learn from beside the teacher's curves.

    python -m model_training.distil --checkpoint runs/a/checkpoint.pt runs/b/checkpoint.pt --shard prepared/base

A teacher's curves are as wrong as the labels it was given, line by line in another way; what a student makes of the
clean recording has that averaged out, and is a steadier goal when the same line comes through a crowd or a bad room
(knowledge distillation, Hinton et al., Distilling the Knowledge in a Neural Network, 2015; here the student may be as
large as its pupil). Written beside the shard's targets as heard.f16; loss.heard of a config says how much it counts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from .articulation import ROW_SAMPLES
from .checkpoint import mean_network
from .command import finish
from .network import FaceNetwork, hear
from .prepare import HEARD, Line, Shard, open_shard
from .ranks import alone
from .whole import write_whole


def distil(checkpoints: Sequence[Path], folder: Path) -> str:
    """Write heard.f16 into a shard's folder; of several checkpoints their mean listens. Returns what was done."""
    shard = replace(open_shard(folder), heard=None)  # Windows writes over no file that is mapped
    _, network, _ = mean_network(checkpoints)
    network.to(alone().device).eval()
    lines = tqdm(shard.lines, desc="listening", unit="line", disable=None)
    rows = np.concatenate([_heard(network, shard, line) for line in lines])
    write_whole(folder / HEARD, rows.tobytes())
    apart = np.abs(rows.astype(np.float32) - shard.targets).mean()
    return f"heard: {len(shard.lines)} lines, on average {apart:.3f} from the teacher's curves"


def _heard(network: FaceNetwork, shard: Shard, line: Line) -> npt.NDArray[np.float16]:
    """The channels of a line, (rows, C) over SOLO, 0..1."""
    samples = shard.samples[line.first_row * ROW_SAMPLES :][: line.rows * ROW_SAMPLES]
    channels = hear(network, samples.astype(np.float32) / 32768).channels[0]
    return np.asarray(channels.clamp(0, 1).cpu().numpy(), np.float16)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.distil", description="Let finished students hear a shard.")
    parser.add_argument("--checkpoint", type=Path, nargs="+", required=True, help="finished training, or parts of one")
    parser.add_argument("--shard", type=Path, required=True, help="folder that model_training.prepare wrote")
    args = parser.parse_args(argv)
    return finish(lambda: distil(args.checkpoint, args.shard))


if __name__ == "__main__":
    sys.exit(main())
