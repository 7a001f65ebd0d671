"""Checkpoints: what a training has reached, and what a training may begin from."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from addon.core.errors import FacewrightError

from . import config, moonshine
from .corpora import CorpusError
from .network import FaceNetwork
from .ranks import TrainingError
from .whole import write_whole

CHECKPOINT = "checkpoint.pt"


@dataclass
class Student:
    """What a checkpoint holds: the network, the moving average of its weights, the optimiser and the step reached."""

    network: FaceNetwork
    average: dict[str, Tensor]
    optimiser: torch.optim.Optimizer
    step: int = 0


def save(student: Student, settings: config.TrainingConfig, file: Path) -> None:
    """Write a checkpoint; until it is whole, the one before stays."""
    state = {
        "step": student.step,
        "network": student.network.state_dict(),
        "average": student.average,
        "optimiser": student.optimiser.state_dict(),
    }
    write(state, settings, file)


def write(state: Mapping[str, Any], settings: config.TrainingConfig, file: Path) -> None:
    """Write what a checkpoint holds, and the config that made it."""
    content = io.BytesIO()  # to a full disk torch.save would say no more than "unexpected pos"
    torch.save({**state, "config": json.dumps(config.to_table(settings))}, content)
    write_whole(file, content.getvalue())


def load_checkpoint(file: Path, device: torch.device | str = "cpu") -> tuple[config.TrainingConfig, dict[str, Any]]:
    """A checkpoint's config and its state; only tensors and plain values are read, never code."""
    try:
        state = torch.load(file, map_location=device, weights_only=True)
        return config.from_table(json.loads(state["config"])), state
    except FacewrightError:
        raise
    except Exception as error:  # torch.load raises what its many readers raise
        why = error.strerror if isinstance(error, OSError) else "model_training.train did not write it"
        raise CorpusError(f"cannot read the checkpoint {str(file)!r}: {why}") from error


def begin(student: Student, settings: config.TrainingConfig, start: Path, device: torch.device) -> None:
    """From another run's averaged weights, or with the ear of a published encoder."""
    if start == Path("moonshine"):
        found = moonshine.installed()
        if found is None:
            raise TrainingError("moonshine-voice is not installed: pip install '.[train,base]', or name its .ort file")
        start = found
    if start.suffix != ".ort":
        _learnt(student, settings, start, device, weights="average")
        return
    if settings.network.front != "waveform":
        raise TrainingError(f"{str(start)!r} listens to waveforms: set network.front of the config to 'waveform'")
    student.network.encoder.load_state_dict(moonshine.encoder_weights(start, settings.network))
    student.average = {name: value.clone() for name, value in student.network.state_dict().items()}


def resume(
    student: Student, settings: config.TrainingConfig, file: Path, device: torch.device
) -> config.TrainingConfig:
    """Go on exactly where this training's checkpoint was written; returns the config that it was written with."""
    made_by, state = _learnt(student, settings, file, device, weights="network")
    student.optimiser.load_state_dict(state["optimiser"])
    student.step = state["step"]
    return made_by


def _learnt(
    student: Student, settings: config.TrainingConfig, file: Path, device: torch.device, weights: str
) -> tuple[config.TrainingConfig, dict[str, Any]]:
    """Give the student the weights of a checkpoint, its own or its averaged ones; returns all of the checkpoint."""
    made_by, state = load_checkpoint(file, device)
    if not made_by.network.fits(settings.network):
        raise TrainingError(f"{str(file)!r} is of a network of another size: give a config or folder that fits")
    student.network.load_state_dict(state[weights])
    student.average = state["average"]
    return made_by, state
