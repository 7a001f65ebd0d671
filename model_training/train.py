"""Train the student on a prepared corpus.

    python -m model_training.train --config model_training/configs/base.toml --shard prepared/base --out runs/base

With --start CHECKPOINT it begins from another run's averaged weights instead of from nothing, or from the mean of
several runs': fine-tuning is a config and a place to start. Where torchrun starts several processes, one a GPU, they
share the work (`ranks.py`). The run folder holds what made the run, a table of losses and the checkpoint. The same
command goes on from there; a loss that is not a number stops the run and leaves the last checkpoint as it is.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from . import config, feed, ranks
from .checkpoint import CHECKPOINT, Student, begin, load_checkpoint, resume, save
from .command import MENDABLE, finish
from .corpora import CorpusError
from .critic import Opponent
from .dataset import Batches
from .losses import Criterion
from .network import FaceNetwork
from .prepare import Shard, open_shard
from .ranks import Ranks, TrainingError
from .record import LOSSES, Record, facts, refuse_other_start, told

__all__ = ["CHECKPOINT", "LOSSES", "Student", "TrainingError", "learning_rate", "load_checkpoint", "save", "train"]

NOTE_STEPS = 10  # between the rows of losses.tsv
NOT_FINITE = "is not a number: lower train.learning_rate, or look at its lines; the last checkpoint is untouched"


def train(
    settings: config.TrainingConfig,
    shard_folder: Path,
    out: Path,
    start: Sequence[Path] = (),
    group: Ranks | None = None,
) -> Path:
    """Train to the end of the schedule, from the checkpoint in `out` where there is one; returns the checkpoint.

    start: checkpoints of other runs, from the mean of whose averaged weights a new run begins, or a published encoder.
    group: the processes that train together; by default this one alone.
    """
    group = group or ranks.alone()
    shard = group.together(lambda: open_shard(shard_folder))
    source = group.together(lambda: Batches(shard, settings))
    settings, student = group.together(lambda: _ready(settings, out, start, group))
    criterion, model = _criterion(settings.loss, shard).to(group.device), group.shared(student.network)
    made_with = facts(start, shard_folder, shard, group)
    record = group.together(lambda: Record(out, settings, student.step, made_with))
    group.first(record.begin)
    group.first(tqdm.write, source.shares())
    end, save_every = settings.train.steps, settings.train.save_every_steps
    size = settings.train.batches_per_step
    firsts = range(student.batch, student.batch + (end - student.step) * size, size)
    numbers = (number for first in firsts for number in batch_numbers(first, size, group))
    quiet = None if group.leads else True  # None: quiet where nobody looks
    progress = tqdm(total=end, initial=student.step, desc="training", unit="step", disable=quiet)
    with feed.ahead(source, shard_folder, settings, numbers) as batches, progress:
        while student.step < end:
            losses = _learn(student, model, criterion, settings.train, batches, group)
            progress.update()
            if student.step % NOTE_STEPS == 0:
                means = group.means(losses)
                progress.set_postfix({name: f"{value:.3f}" for name, value in means.items()})
                group.first(record.note, student.step, means)
            if student.step % save_every == 0 or student.step == end:
                group.first(save, student, settings, out / CHECKPOINT)
                group.first(record.reached, student.step, batches.waiting_s)
    return out / CHECKPOINT


def _ready(
    settings: config.TrainingConfig, out: Path, start: Sequence[Path], group: Ranks
) -> tuple[config.TrainingConfig, Student]:
    """The student where it begins or goes on, and the config with the batches a step that all processes share."""
    train, device = settings.train, group.device
    torch.manual_seed(train.seed)
    torch.set_num_threads(train.threads)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32
        if train.precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
            raise TrainingError("this GPU has no bf16: set train.precision of the config to 'float32'")
    student = _start(settings, device)
    wanted = train.batches_per_step
    if (out / CHECKPOINT).exists():
        refuse_other_start(out, start)
        made_by = resume(student, settings, out / CHECKPOINT, device)
        wanted = wanted or made_by.train.batches_per_step
    elif start:
        begin(student, settings, start)
    wanted = wanted or group.count
    if wanted % group.count:
        raise CorpusError(
            f"{group.count} processes cannot share the {wanted} batches of a step: start another number of them, or "
            "set train.batches_per_step of the config"
        )
    if group.leads:
        out.mkdir(parents=True, exist_ok=True)
    return dataclasses.replace(settings, train=dataclasses.replace(train, batches_per_step=wanted)), student


def _start(settings: config.TrainingConfig, device: torch.device) -> Student:
    network = FaceNetwork(settings.network).to(device)
    if settings.train.precision == "bf16":
        compute_in_bf16(network, device)
    groups = []
    for rate, listens in ((settings.train.encoder_rate, True), (1.0, False)):
        own = [p for name, p in network.named_parameters() if name.startswith("encoder.") == listens]
        for decay, is_matrix in ((settings.train.weight_decay, True), (0.0, False)):
            some = [p for p in own if (p.ndim >= 2) == is_matrix]
            groups.append({"params": some, "weight_decay": decay, "rate": rate})
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    average = {name: value.clone() for name, value in network.state_dict().items()}
    return Student(network, average, optimiser, critic=Opponent(device) if settings.loss.critic else None)


def compute_in_bf16(network: FaceNetwork, device: torch.device) -> None:
    """From now on the transformer's layers multiply in bf16; the front's levels and the mouth need all their digits."""
    for layer in network.encoder.layers:
        layer.forward = torch.autocast(device.type, torch.bfloat16)(layer.forward)


def _criterion(settings: config.LossSettings, shard: Shard) -> Criterion:
    """The losses, in deviations of the corpus as 20,000 of its rows show them."""
    rows = np.random.default_rng(0).choice(len(shard.targets), min(len(shard.targets), 20_000), replace=False)
    return Criterion(settings, torch.from_numpy(shard.targets[np.sort(rows)].astype(np.float32)))


def batch_numbers(first: int, size: int, group: Ranks) -> range:
    """The batches, of `size` from the first on, that fall to this process; all together take the same as one would."""
    return range(first + group.number, first + size, group.count)


def learning_rate(step: int, settings: config.TrainSettings) -> float:
    """The rate at a step: up in a straight line, then down a half cosine to a fiftieth."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    done = (step - settings.warmup_steps) / max(settings.steps - settings.warmup_steps, 1)
    return settings.learning_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def _learn(
    student: Student,
    model: nn.Module,
    criterion: Criterion,
    settings: config.TrainSettings,
    batches: feed.Feed,
    group: Ranks,
) -> dict[str, Tensor]:
    """One step; returns this process's losses. One that is not a number raises before any weight has changed."""
    model.train()
    student.optimiser.zero_grad(set_to_none=True)
    if student.critic:
        student.critic.forget()
    numbers = batch_numbers(student.batch, settings.batches_per_step, group)
    heard = []
    for number in numbers:
        batch = feed.onto(batches.take(), group.device)
        torch.manual_seed(feed.torch_seed(settings.seed, number))
        with contextlib.nullcontext() if number == numbers[-1] else group.apart(model):
            losses = criterion(model(batch.waveform, batch.live), batch, student.critic)
            cost = losses["total"] + losses.get("mistaken", 0.0)
            finite = bool(torch.isfinite(cost))
            group.agree(None if finite else f"the loss of batch {number} {NOT_FINITE} ({batches.lines(number)})")
            (cost / len(numbers)).backward()
        heard.append({name: loss.detach() for name, loss in losses.items()})
    size = torch.nn.utils.clip_grad_norm_(student.network.parameters(), 1.0)
    if student.critic:
        group.average(student.critic.network)
        size = size + student.critic.gradient()
    if not torch.isfinite(size):  # the same on all processes
        group.agree(f"the gradient of step {student.step} {NOT_FINITE}")
    if student.critic:
        student.critic.step()
    _step(student, settings)
    return {name: torch.stack([losses[name] for losses in heard]).mean() for name in heard[0]}


def _step(student: Student, settings: config.TrainSettings) -> None:
    for group in student.optimiser.param_groups:
        group["lr"] = group["rate"] * learning_rate(student.step, settings)
    student.optimiser.step()
    student.step += 1
    student.batch += settings.batches_per_step
    kept = min(settings.average, student.step / (student.step + 10))  # early weights are soon forgotten
    with torch.no_grad():
        for name, value in student.network.state_dict().items():
            student.average[name].lerp_(value, 1 - kept)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.train", description="Train the student.")
    parser.add_argument("--config", type=Path, required=True, help="TOML, such as model_training/configs/base.toml")
    parser.add_argument("--shard", type=Path, required=True, help="folder that model_training.prepare wrote")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument(
        "--start",
        type=Path,
        nargs="+",
        default=(),
        help="checkpoint to begin from, the mean of several, `base`, `fast`, `moonshine` or an encoder_model of its",
    )
    parser.add_argument("--seed", type=int, help="instead of the config's: runs that differ by nothing else")
    args = parser.parse_args(argv)

    def work() -> str:
        with ranks.joined() as group:
            settings = group.together(lambda: _read(args.config, args.seed))
            checkpoint = train(settings, args.shard, args.out, args.start, group)
            return f"trained: {checkpoint}\n{told(args.out)}" if group.leads else ""

    try:
        return finish(work)
    except ranks.ToldElsewhere:
        return MENDABLE


def _read(file: Path, seed: int | None) -> config.TrainingConfig:
    settings = config.load(file)
    if seed is None:
        return settings
    return dataclasses.replace(settings, train=dataclasses.replace(settings.train, seed=seed))


if __name__ == "__main__":
    sys.exit(main())
