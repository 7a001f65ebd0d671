"""The weights of a finished model, to be kept and begun from: the mean of its parts, in half the digits.

    python -m model_training.weights --checkpoint runs/base_on_{1,2}/checkpoint.pt --out base.pt

It is a checkpoint without what only the same run could go on with, an eighth of one in size: `train --start` takes it,
and so do export and live. The shipped models' own lie here as base.pt and fast.pt; `--start base` is the first. With
`--back 0.2` the ear's lower half goes a fifth of the way back to the Moonshine encoder that it began as, `--moonshine`
(brought_back).
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from . import checkpoint, moonshine
from .command import finish, whole_number
from .config import NetworkSettings
from .corpora import CorpusError


def keep(
    checkpoints: Sequence[Path], out: Path, back: float = 0.0, layers: int | None = None, began: Path | None = None
) -> None:
    """Write the mean of checkpoints, parts of one training, as float16, its ear a share of the way back.

    `began` is the encoder that it began as, the installed Moonshine tiny's if None.
    """
    settings, network, steps = checkpoint.mean_network(checkpoints)
    weights = network.state_dict()
    if back:
        weights = brought_back(weights, settings.network, began or moonshine.needed(), back, layers)
    average = {name: value.to(torch.float16) for name, value in weights.items()}
    if too_large := [name for name, value in average.items() if not value.isfinite().all()]:
        raise CorpusError(f"{too_large[0]} has weights that float16 cannot hold: begin from the checkpoint itself")
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write({"step": steps, "average": average}, settings, out)


def brought_back(
    weights: checkpoint.Weights, settings: NetworkSettings, began: Path, share: float, layers: int | None = None
) -> checkpoint.Weights:
    """A network's weights, those of its front and lowest layers (None: half of them) a share of the way back.

    What sounds are Moonshine knows from far more voices than a training has; what a mouth does is learnt above. Weights
    between what was published and what was learnt hear strangers better than either (Wortsman et al. 2022, arXiv
    2109.01903). A slim front's bottleneck has no counterpart and stays. An ear that began otherwise is a CorpusError.
    """
    theirs = moonshine.encoder_weights(began, dataclasses.replace(settings, front_rank=0))
    count = settings.layers // 2 if layers is None else layers
    lower = ("front.", *(f"layers.{number}." for number in range(count)))
    back = dict(weights)
    for name, its in theirs.items():
        own = weights.get(f"encoder.{name}")
        if name.startswith(lower) and own is not None and own.shape == its.shape:
            if own.ndim == 2 and not checkpoint.are_akin(own, its):
                raise CorpusError("this ear did not begin as Moonshine's: leave out --back, which takes it there")
            back[f"encoder.{name}"] = torch.lerp(own, its, share)
    return back


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
        "--back-layers", type=whole_number, metavar="COUNT",
        help="its lowest layers that go there with the front (default: half of them)",
    )  # fmt: skip
    parser.add_argument("--moonshine", type=Path, metavar="FILE", help="the encoder that it began as (default: tiny's)")
    args = parser.parse_args(argv)
    if not 0 <= args.back <= 1:
        parser.error("--back must be from 0 to 1")

    def work() -> str:
        keep(args.checkpoint, args.out, args.back, args.back_layers, args.moonshine)
        return f"written: {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)"

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
