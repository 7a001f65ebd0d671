"""Checkpoints: what a training has reached, and what a training may begin from."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from addon.core.errors import FacewrightError, quoted, reason
from addon.core.model import BUNDLED

from . import config, moonshine
from .corpora import CorpusError
from .critic import Opponent
from .network import FaceNetwork
from .ranks import TrainingError
from .whole import write_whole

CHECKPOINT = "checkpoint.pt"
MOONSHINE = Path("moonshine")  # as a place to begin: the encoder of the installed package
SHIPPED = {Path(name): Path(__file__).with_name(f"{name}.pt") for name in BUNDLED}  # likewise: ours
MAY_CHANGE = ("steps", "save_every_steps", "threads", "workers", "batches_per_step")  # of [train], on the way
SPREAD = "encoder.front.spread.weight"  # one half of a slim front's bottleneck
AKIN = 0.5  # cosine between weights of one origin, at least; .99 and more between the shipped model's and Moonshine's
Weights = dict[str, Tensor]


@dataclass
class Student:
    """What a checkpoint holds: network, moving average of its weights, optimiser, step reached, and a critic if any.

    batch: the number of the next to be learnt from.
    """

    network: FaceNetwork
    average: Weights
    optimiser: torch.optim.Optimizer
    step: int = 0
    batch: int = 0
    critic: Opponent | None = None


def save(student: Student, settings: config.TrainingConfig, file: Path) -> None:
    """Write a checkpoint; until it is whole, the one before stays."""
    state = {
        "step": student.step,
        "batch": student.batch,
        "network": student.network.state_dict(),
        "average": student.average,
        "optimiser": student.optimiser.state_dict(),
        **({"critic": student.critic.state()} if student.critic else {}),
    }
    write(state, settings, file)


def write(state: Mapping[str, Any], settings: config.TrainingConfig, file: Path) -> None:
    """Write what a checkpoint holds, and the config that made it."""
    content = io.BytesIO()  # to a full disk torch.save would say no more than "unexpected pos"
    torch.save({**state, "config": json.dumps(config.to_table(settings))}, content)
    write_whole(file, content.getvalue())


def load_checkpoint(file: Path) -> tuple[config.TrainingConfig, dict[str, Any]]:
    """A checkpoint's config and its state, on the CPU; only tensors and plain values are read, never code."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        if state["step"] < 0 or not _shapes(state["average"]):
            raise ValueError("it holds nothing that was learnt")
        return config.from_table(json.loads(state["config"])), state
    except FacewrightError as error:
        raise CorpusError(f"cannot use the checkpoint {quoted(file)}: {error}") from error
    except Exception as error:  # torch.load raises what its many readers raise
        why = reason(error) if isinstance(error, OSError) else "model_training.train did not write it"
        raise CorpusError(f"cannot read the checkpoint {quoted(file)}: {why}") from error


def mean_network(files: Sequence[Path]) -> tuple[config.TrainingConfig, FaceNetwork, int]:
    """The mean of the checkpoints' networks, the config of the last, and how many steps they took together.

    Where bottlenecks in their fronts differ, or were made apart, it is of whole fronts, and so is the config.
    """
    made = [load_checkpoint(file) for file in files]
    if len({settings.network.front_rank for settings, _ in made}) > 1 or not _share_bottleneck(made):
        made = [_with_whole_front(*one) for one in made]
    settings, first = made[-1][0], made[0][1]["average"]
    for file, (other, state) in zip(files, made, strict=True):
        if not other.network.fits(settings.network) or _shapes(state["average"]) != _shapes(first):
            raise CorpusError(f"{quoted(file)} is of a network of another size: only parts of one training have a mean")
    network = FaceNetwork(settings.network)
    weights = {name: torch.stack([state["average"][name].float() for _, state in made]).mean(dim=0) for name in first}
    _give(network, weights, files[-1])
    return settings, network, sum(state["step"] for _, state in made)


def _share_bottleneck(made: Sequence[tuple[config.TrainingConfig, dict[str, Any]]]) -> bool:
    """Whether the halves of all bottlenecks go together: two that `slim` made apart differ for the same ear."""
    halves = [state["average"][SPREAD].float() for _, state in made if SPREAD in state["average"]]
    return all(are_akin(halves[0], half) for half in halves if half.shape == halves[0].shape)


def are_akin(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors of one shape have come from the same beginning."""
    return bool(torch.cosine_similarity(one.flatten(), other.flatten(), dim=0) > AKIN)


def _with_whole_front(
    settings: config.TrainingConfig, state: dict[str, Any]
) -> tuple[config.TrainingConfig, dict[str, Any]]:
    """The same averaged weights, both halves of a bottleneck (front.py) multiplied out: it hears no differently."""
    if not settings.network.front_rank:
        return settings, state
    weights = {name: value.float() for name, value in state["average"].items()}
    spread = weights.pop(SPREAD)
    weights["encoder.front.second.2.bias"] = weights.pop("encoder.front.spread.bias")
    for name in [name for name in weights if name.startswith("encoder.front.second.") and name.endswith("weight")]:
        weights[name] = spread @ weights[name]
    whole = dataclasses.replace(settings.network, front_rank=0)
    return dataclasses.replace(settings, network=whole), {**state, "average": weights}


def begin(student: Student, settings: config.TrainingConfig, starts: Sequence[Path]) -> None:
    """From the mean of other runs' averaged weights, or a shipped model's, or with the ear of a published encoder."""
    starts = [SHIPPED.get(one, one) for one in starts]
    start = starts[-1]
    if len(starts) > 1 and any(one == MOONSHINE or one.suffix in moonshine.ENCODERS for one in starts):
        raise TrainingError("a published encoder has no mean with checkpoints: name it alone after --start")
    if start == MOONSHINE:
        start = moonshine.needed()
    if start.suffix not in moonshine.ENCODERS:
        made_by, network, _ = mean_network(starts)
        _check(made_by, settings, start)
        student.network.load_state_dict(network.state_dict())
    else:
        give_ear(student.network, start)
    student.average = {name: value.clone() for name, value in student.network.state_dict().items()}


def give_ear(network: FaceNetwork, encoder: Path) -> None:
    """The ear of a published encoder, in its file, for a network that begins with it."""
    if network.settings.front != "waveform":
        raise TrainingError(f"{quoted(encoder)} listens to waveforms: set network.front of the config to 'waveform'")
    network.encoder.load_state_dict(moonshine.encoder_weights(encoder, network.settings))


def resume(
    student: Student, settings: config.TrainingConfig, file: Path, device: torch.device
) -> config.TrainingConfig:
    """Go on exactly where this training's checkpoint was written; returns the config that it was written with."""
    made_by, state = load_checkpoint(file)  # AdamW's counts of steps stay on the CPU: to read one waits for a GPU
    if not {"network", "optimiser"} <= state.keys():
        raise TrainingError(
            f"{quoted(file)} holds weights to begin from, not a run: name it after --start, with another --out folder"
        )
    _check(made_by, settings, file)
    other = config.differing(config.to_table(made_by), config.to_table(settings), [f"train.{n}" for n in MAY_CHANGE])
    if other:
        raise TrainingError(
            f"{quoted(file)} was made with another {', '.join(other)}: give its config, or --out another folder"
        )
    _give(student.network, state["network"], file)
    student.average = {name: value.to(device) for name, value in state["average"].items()}
    try:
        student.optimiser.load_state_dict(state["optimiser"])
    except ValueError as error:  # of other groups of weights
        raise TrainingError(
            f"{quoted(file)} is of another version of the trainer: name it after --start, with another --out folder"
        ) from error
    if student.critic and "critic" in state:
        student.critic.load(state["critic"])
    student.step = state["step"]
    student.batch = state.get("batch", student.step * made_by.train.batches_per_step)  # older ones do not say
    return made_by


def _check(made_by: config.TrainingConfig, settings: config.TrainingConfig, file: Path) -> None:
    if not made_by.network.fits(settings.network):
        has = dataclasses.asdict(made_by.network)
        other = config.differing(has, dataclasses.asdict(settings.network), ["dropout"])
        told = ", ".join(f"{name} = {json.dumps(has[name])}" for name in other)
        raise TrainingError(
            f"{quoted(file)} is of a network of another size: set {told} under [network], or give another folder"
        )


def _give(network: FaceNetwork, weights: Weights, file: Path) -> None:
    """Give a network the weights that were read from a file; those of another version of it are refused."""
    if _shapes(weights) != _shapes(network.state_dict()):
        raise CorpusError(
            f"{quoted(file)} is of another version of the network: train again, or go on with that version"
        )
    network.load_state_dict(weights)


def _shapes(weights: Weights) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in weights.items()}
