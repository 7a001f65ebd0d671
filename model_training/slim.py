"""A smaller front for a trained student: its largest product through a bottleneck, to be trained on from there.

    python -m model_training.slim --checkpoint runs/anew/checkpoint.pt --shard prepared/anew --rank 160 --out slim.pt
    python -m model_training.slim --encoder encoder_model.onnx --config my.toml --shard prepared/my --rank 208 \
                                  --out slim.pt

The second convolution is a third of all the work that the encoder does, and what speech puts into it has far fewer
dimensions than its matrix. The matrix is cut to the rank at which its outputs on training speech change least (the
singular value decomposition of the matrix times the root of its inputs' covariance). `train --start slim.pt`, with
network.front_rank set in the config, mends what is lost; or learns all there is to learn, where --encoder names a
published encoder that has not learnt to speak yet.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from . import checkpoint, config
from .command import finish
from .corpora import CorpusError
from .encoder import SpeechEncoder
from .network import STEP_ROWS, FaceNetwork
from .prepare import Shard, open_shard, stretches

STRETCHES = 40  # of speech, that the covariance is taken from
STRETCH_ROWS = 40 * STEP_ROWS  # 4.8 s
LEAST = 1e-6  # of the largest variance: below it a direction is noise, and dividing by it would make it loud


def slim(checkpoints: Sequence[Path], shard: Shard, rank: int, out: Path) -> float:
    """Write a checkpoint whose front has a bottleneck; returns the share of its product's power that is kept.

    Of several checkpoints, later parts of one training, it is the mean.
    """
    settings, network, steps = checkpoint.mean_network(checkpoints)
    return _slimmed(settings, network, steps, shard, rank, out)


def slim_encoder(encoder: Path, settings: config.TrainingConfig, shard: Shard, rank: int, out: Path) -> float:
    """As slim, of a network that is a published encoder's ear and a mouth that has learnt nothing."""
    whole = dataclasses.replace(settings, network=dataclasses.replace(settings.network, front_rank=0))
    torch.manual_seed(settings.train.seed)
    network = FaceNetwork(whole.network)
    checkpoint.give_ear(network, encoder)
    return _slimmed(whole, network, 0, shard, rank, out)


def _slimmed(
    settings: config.TrainingConfig, network: FaceNetwork, steps: int, shard: Shard, rank: int, out: Path
) -> float:
    network.requires_grad_(False)  # nothing is learnt here
    full = _full(network)
    sizes = [part.in_features for part in full]
    if not 0 < rank < full[0].out_features:
        raise CorpusError(f"--rank must be 1 to {full[0].out_features - 1}, not {rank}")
    spread, narrow, kept = _halves(torch.cat([part.weight for part in full], dim=1), _covariance(network, shard), rank)
    state = network.state_dict()
    for number, weight in enumerate(narrow.split(sizes, dim=1)):
        state[f"encoder.front.second.{number}.weight"] = weight
    state["encoder.front.spread.weight"] = spread
    state["encoder.front.spread.bias"] = state.pop("encoder.front.second.2.bias")
    made = dataclasses.replace(settings, network=dataclasses.replace(settings.network, front_rank=rank))
    FaceNetwork(made.network).load_state_dict(state)  # what the next training will do with it
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write({"step": steps, "network": state, "average": state}, made, out)
    return kept


def _full(network: FaceNetwork) -> list[nn.Linear]:
    """The parts of the product that is to be cut, one for each group of frames."""
    ear = network.encoder
    if not isinstance(ear, SpeechEncoder) or network.settings.front_rank:
        raise CorpusError("only a waveform front without a bottleneck can be made slimmer: give its checkpoint")
    return [part for part in ear.front.second if isinstance(part, nn.Linear)]


def _halves(matrix: Tensor, covariance: Tensor, rank: int) -> tuple[Tensor, Tensor, float]:
    """Matrix (O, I) as (O, R) times (R, I), best for inputs of this covariance (I, I), and the share of power kept."""
    power, axes = torch.linalg.eigh(covariance)
    root = power.clamp(min=LEAST * float(power.max())).sqrt()
    left, values, right = torch.linalg.svd(matrix.double() @ (axes * root), full_matrices=False)
    scale = values[:rank].sqrt()
    narrow = scale[:, None] * right[:rank] @ (axes / root).T
    kept = float(values[:rank].square().sum() / values.square().sum())
    return (left[:, :rank] * scale).float(), narrow.float(), kept


@torch.no_grad()
def _covariance(network: FaceNetwork, shard: Shard) -> Tensor:
    """(I, I): the second moments of what the product is given, on stretches of training speech at many levels."""
    seen: list[Tensor] = []
    hooks = [
        part.register_forward_pre_hook(lambda _, given: seen.append(given[0].flatten(0, 1))) for part in _full(network)
    ]
    rng = np.random.default_rng(0)
    total = torch.zeros((), dtype=torch.float64)
    for samples in stretches(shard, STRETCHES, STRETCH_ROWS, rng):
        hiss = 10 ** (rng.uniform(-90, -40) / 20) * rng.standard_normal(len(samples))
        network(torch.from_numpy((samples + hiss).astype(np.float32))[None])
        given = torch.cat(seen, dim=1).double()
        total = total + given.T @ given
        seen.clear()
    for hook in hooks:
        hook.remove()
    return total


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.slim", description="A bottleneck for an ear's front.")
    ears = parser.add_mutually_exclusive_group(required=True)
    ears.add_argument("--checkpoint", type=Path, nargs="+", help="several give their mean")
    ears.add_argument("--encoder", type=Path, help="a Moonshine's encoder_model, which --config is to train")
    parser.add_argument("--config", type=Path, help="TOML, with --encoder: the network that it is to be the ear of")
    parser.add_argument("--shard", type=Path, required=True, help="folder that model_training.prepare wrote")
    parser.add_argument("--rank", type=int, required=True, help="of the bottleneck")
    parser.add_argument("--out", type=Path, required=True, help="the checkpoint to write, for train --start")
    args = parser.parse_args(argv)
    if (args.encoder is None) != (args.config is None):
        parser.error("--encoder and --config belong together")

    def work() -> str:
        shard = open_shard(args.shard)
        if args.encoder:
            kept = slim_encoder(args.encoder, config.load(args.config), shard, args.rank, args.out)
        else:
            kept = slim(args.checkpoint, shard, args.rank, args.out)
        return f"written: {args.out} ({100 * kept:.2f} % of the product's power kept)"

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
