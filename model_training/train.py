"""Train the student on a prepared corpus.

    python -m model_training.train --config model_training/configs/base.toml --shard prepared/base --out runs/base

With --start CHECKPOINT it begins from another run's averaged weights instead of from nothing: fine-tuning is a config
and a place to start. The run folder holds the config, the seed, the git revision, a table of losses and the checkpoint.
The same command goes on from there; a loss that is not a number stops the run and leaves the last checkpoint as it is.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from addon.core.errors import FacewrightError

from . import config, moonshine
from .command import finish
from .corpora import CorpusError
from .dataset import Batch, Batches
from .losses import Criterion
from .network import FaceNetwork
from .prepare import open_shard

CHECKPOINT = "checkpoint.pt"
LOSSES = "losses.tsv"


class TrainingError(FacewrightError):
    """A training that cannot go on; the last good checkpoint is kept."""


@dataclass
class Student:
    """What a checkpoint holds: the network, the moving average of its weights, the optimiser and the step reached."""

    network: FaceNetwork
    average: dict[str, Tensor]
    optimiser: torch.optim.Optimizer
    step: int = 0


def train(settings: config.TrainingConfig, shard_folder: Path, out: Path, start: Path | None = None) -> Path:
    """Train to the end of the schedule, from the checkpoint in `out` where there is one; returns the checkpoint.

    start: a checkpoint of another run, from whose averaged weights a new run begins.
    """
    torch.manual_seed(settings.train.seed)
    torch.set_num_threads(settings.train.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shard = open_shard(shard_folder)
    batches = Batches(shard, settings.corpus, settings.augment, settings.train)
    rows = np.random.default_rng(0).choice(len(shard.targets), min(len(shard.targets), 20_000), replace=False)
    criterion = Criterion(settings.loss, torch.from_numpy(shard.targets[np.sort(rows)].astype(np.float32))).to(device)
    student = _start(settings, device)
    out.mkdir(parents=True, exist_ok=True)
    if (out / CHECKPOINT).exists():
        _resume(student, settings, out, device)
    elif start is not None:
        _begin(student, settings, start, device)
    _describe(settings, out, start)
    with ThreadPoolExecutor(1) as ahead, (out / LOSSES).open("a", newline="", encoding="utf-8") as table:
        log = csv.writer(table, delimiter="\t")
        waiting = ahead.submit(batches.batch, student.step)
        progress = tqdm(total=settings.train.steps, initial=student.step, desc="training", unit="step", disable=None)
        while student.step < settings.train.steps:
            batch = waiting.result().to(device)
            waiting = ahead.submit(batches.batch, student.step + 1)
            losses = _learn(student, settings.train, criterion, batch)
            progress.update()
            if student.step % 10 == 0:
                progress.set_postfix({name: f"{value:.3f}" for name, value in losses.items()})
                log.writerow([student.step, *(f"{value:.5f}" for value in losses.values())])
                table.flush()
            if student.step % settings.train.save_every_steps == 0 or student.step == settings.train.steps:
                save(student, settings, out / CHECKPOINT)
        progress.close()
    return out / CHECKPOINT


def _start(settings: config.TrainingConfig, device: torch.device) -> Student:
    network = FaceNetwork(settings.network).to(device)
    groups = []
    for rate, listens in ((settings.train.encoder_rate, True), (1.0, False)):
        own = [p for name, p in network.named_parameters() if name.startswith("encoder.") == listens]
        for decay, is_matrix in ((settings.train.weight_decay, True), (0.0, False)):
            some = [p for p in own if (p.ndim >= 2) == is_matrix]
            groups.append({"params": some, "weight_decay": decay, "rate": rate})
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    return Student(network, {name: value.clone() for name, value in network.state_dict().items()}, optimiser)


def learning_rate(step: int, settings: config.TrainSettings) -> float:
    """The rate at a step: up in a straight line, then down a half cosine to a fiftieth."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    done = (step - settings.warmup_steps) / max(settings.steps - settings.warmup_steps, 1)
    return settings.learning_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def _learn(student: Student, settings: config.TrainSettings, criterion: Criterion, batch: Batch) -> dict[str, float]:
    """One step; returns the losses. A loss that is not a number raises before anything has changed."""
    student.network.train()
    losses = criterion(student.network(batch.waveform, batch.live), batch)
    if not torch.isfinite(losses["total"]):
        raise TrainingError(
            f"the loss of batch {student.step} is not a number: lower train.learning_rate, or look at that batch's "
            "lines; the last checkpoint is untouched"
        )
    student.optimiser.zero_grad(set_to_none=True)
    losses["total"].backward()
    torch.nn.utils.clip_grad_norm_(student.network.parameters(), 1.0)
    for group in student.optimiser.param_groups:
        group["lr"] = group["rate"] * learning_rate(student.step, settings)
    student.optimiser.step()
    student.step += 1
    kept = min(settings.average, student.step / (student.step + 10))  # early weights are soon forgotten
    with torch.no_grad():
        for name, value in student.network.state_dict().items():
            student.average[name].lerp_(value, 1 - kept)
    return {name: float(value.detach()) for name, value in losses.items()}


def save(student: Student, settings: config.TrainingConfig, file: Path) -> None:
    """Write a checkpoint beside and rename it, so that a kill or a full disk leaves the one before."""
    partial = file.with_suffix(".partial")
    state = {
        "step": student.step,
        "network": student.network.state_dict(),
        "average": student.average,
        "optimiser": student.optimiser.state_dict(),
        "config": json.dumps(config.to_table(settings)),
    }
    try:
        torch.save(state, partial)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise TrainingError(
            f"cannot write the checkpoint {str(file)!r} ({error}): free some space and go on"
        ) from error
    partial.replace(file)


def load_checkpoint(file: Path, device: torch.device | str = "cpu") -> tuple[config.TrainingConfig, dict[str, Any]]:
    """A checkpoint's config and its state; only tensors and plain values are read, never code."""
    try:
        state = torch.load(file, map_location=device, weights_only=True)
        return config.from_table(json.loads(state["config"])), state
    except FacewrightError:
        raise
    except Exception as error:  # torch.load raises what its many readers raise
        reason = error.strerror if isinstance(error, OSError) else "model_training.train did not write it"
        raise CorpusError(f"cannot read the checkpoint {str(file)!r}: {reason}") from error


def _begin(student: Student, settings: config.TrainingConfig, start: Path, device: torch.device) -> None:
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


def _resume(student: Student, settings: config.TrainingConfig, out: Path, device: torch.device) -> None:
    state = _learnt(student, settings, out / CHECKPOINT, device, weights="network")
    student.optimiser.load_state_dict(state["optimiser"])
    student.step = state["step"]
    _cut_losses(out / LOSSES, student.step)


def _learnt(
    student: Student, settings: config.TrainingConfig, file: Path, device: torch.device, weights: str
) -> dict[str, Any]:
    """Give the student the weights of a checkpoint, its own or its averaged ones; returns all of the checkpoint."""
    made_by, state = load_checkpoint(file, device)
    if made_by.network != settings.network:
        raise TrainingError(f"{str(file)!r} is of a network of another size: give a config or folder that fits")
    student.network.load_state_dict(state[weights])
    student.average = state["average"]
    return state


def _cut_losses(table: Path, step: int) -> None:
    """Forget the rows past the checkpoint: those steps are taken again."""
    lines = table.read_text(encoding="utf-8").splitlines() if table.exists() else []
    kept = [line for line in lines if line and int(line.split("\t")[0]) <= step]
    table.write_text("".join(line + "\n" for line in kept), encoding="utf-8")


def _describe(settings: config.TrainingConfig, out: Path, start: Path | None) -> None:
    git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent)
    run = {
        "config": config.to_table(settings),
        "start": str(start or ""),
        "revision": git.stdout.strip() or "unknown",
        "torch": torch.__version__,
    }
    (out / "run.json").write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.train", description="Train the student.")
    parser.add_argument("--config", type=Path, required=True, help="TOML, such as model_training/configs/base.toml")
    parser.add_argument("--shard", type=Path, required=True, help="folder that model_training.prepare wrote")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument(
        "--start", type=Path, help="checkpoint of another run, or Moonshine's encoder_model.ort, to begin from"
    )
    args = parser.parse_args(argv)

    def work() -> str:
        return f"trained: {train(config.load(args.config), args.shard, args.out, args.start)}"

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
