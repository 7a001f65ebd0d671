"""The weights of a finished model, to be kept and begun from: the mean of its parts, in half the digits.

    python -m model_training.weights --checkpoint runs/base_corners_{7,8}/checkpoint.pt --out base.pt

It is a checkpoint without what only the same run could go on with, an eighth of one in size: `train --start` takes it,
and so do export and live. The shipped model's own lies here as base.pt; `--start base` is that. With `--back 0.2` the
ear's lower half goes a fifth of the way back to the Moonshine encoder that it began as (moonshine.brought_back).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from . import checkpoint, moonshine
from .command import finish, whole_number
from .corpora import CorpusError


def keep(checkpoints: Sequence[Path], out: Path, back: float = 0.0, layers: int = moonshine.LOWER) -> None:
    """Write the mean of checkpoints, parts of one training, as float16, its ear a share of the way back."""
    settings, network, steps = checkpoint.mean_network(checkpoints)
    weights = network.state_dict()
    if back:
        weights = moonshine.brought_back(weights, settings.network, moonshine.needed(), back, layers)
    average = {name: value.to(torch.float16) for name, value in weights.items()}
    if too_large := [name for name, value in average.items() if not value.isfinite().all()]:
        raise CorpusError(f"{too_large[0]} has weights that float16 cannot hold: begin from the checkpoint itself")
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write({"step": steps, "average": average}, settings, out)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.weights", description="Keep a finished model's weights.")
    parser.add_argument("--checkpoint", type=Path, required=True, nargs="+", help="several give their mean")
    parser.add_argument("--out", type=Path, required=True, help="the file to write, for train --start")
    parser.add_argument(
        "--back", type=float, default=0.0, metavar="SHARE",
        help="how far the ear goes back to Moonshine's, from 0, not at all (the default), to 1",
    )  # fmt: skip
    parser.add_argument(
        "--back-layers", type=whole_number, default=moonshine.LOWER, metavar="COUNT",
        help=f"its lowest layers that go there with the front (default: {moonshine.LOWER} of {moonshine.LAYERS})",
    )  # fmt: skip
    args = parser.parse_args(argv)
    if not 0 <= args.back <= 1:
        parser.error("--back must be from 0 to 1")

    def work() -> str:
        keep(args.checkpoint, args.out, args.back, args.back_layers)
        return f"written: {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)"

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
