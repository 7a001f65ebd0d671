"""How far a step goes: the rate over the schedule and for the encoder, decay, the moving average and the clipping."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from model_training import config, train
from model_training.checkpoint import Student, resume
from model_training.dataset import Batch, Batches

CPU = torch.device("cpu")


@pytest.fixture
def settings(tiny_config: config.TrainingConfig) -> config.TrainingConfig:
    """A schedule of its own encoder's rate, and a decay that can be told from none."""
    schedule = dataclasses.replace(
        tiny_config.train, steps=100, warmup_steps=10, learning_rate=1e-3, encoder_rate=0.4, weight_decay=0.03
    )
    return dataclasses.replace(tiny_config, train=dataclasses.replace(schedule, average=0.9))


def test_the_rate_rises_in_a_straight_line_and_falls_to_a_fiftieth(settings: config.TrainingConfig) -> None:
    rates = [train.learning_rate(step, settings.train) / 1e-3 for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10] == pytest.approx(1)
    assert rates[55] == pytest.approx(0.51)  # halfway down
    assert rates[-1] == pytest.approx(0.02, abs=1e-3)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert train.learning_rate(1_000, settings.train) == pytest.approx(0.02e-3)


def test_the_encoder_has_a_rate_of_its_own_and_only_matrices_decay(settings: config.TrainingConfig) -> None:
    student = train._start(settings, CPU)
    train._step(student, settings.train)
    names = {id(value): name for name, value in student.network.named_parameters()}
    told = {
        names.pop(id(value)): (value.ndim, group["lr"], group["weight_decay"])
        for group in student.optimiser.param_groups
        for value in group["params"]
    }
    assert not names  # every weight learns
    for name, (axes, rate, decay) in told.items():
        assert rate == pytest.approx(1e-4 * (0.4 if name.startswith("encoder.") else 1))
        assert decay == (0.03 if axes >= 2 else 0)


def average_after(student: Student, settings: config.TrainingConfig, steps_before: int) -> float:
    """What a weight that leaps from nothing to one has come to in the moving average after one step."""
    name = "mouth.seal.bias"
    student.step, student.average[name] = steps_before, torch.zeros_like(student.average[name])
    with torch.no_grad():
        student.network.mouth.seal.bias.fill_(1.0)
    train._step(student, settings.train)  # there are no gradients: nothing else moves it
    return float(student.average[name][0])


def test_the_average_keeps_its_share_of_the_old_but_of_the_first_steps_little(settings: config.TrainingConfig) -> None:
    student = train._start(settings, CPU)
    assert average_after(student, settings, 0) == pytest.approx(10 / 11)
    assert average_after(student, settings, 89) == pytest.approx(0.1)
    assert average_after(student, settings, 5_000) == pytest.approx(0.1)


def test_a_gradient_is_never_longer_than_one(
    shard: Path, settings: config.TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[float] = []

    def measured(student: Student, schedule: config.TrainSettings, step: object = train._step) -> None:
        found = [value.grad for value in student.network.parameters() if value.grad is not None]
        lengths.append(float(torch.nn.utils.get_total_norm(found)))
        assert callable(step)
        step(student, schedule)

    monkeypatch.setattr(train, "_step", measured)
    steep = dataclasses.replace(settings.loss, channels=1e3)
    few = dataclasses.replace(settings.train, steps=2)
    train.train(dataclasses.replace(settings, loss=steep, train=few), shard, tmp_path)
    assert lengths == pytest.approx([1.0, 1.0], rel=1e-3)


def test_a_run_that_takes_other_batches_a_step_on_the_way_goes_on_with_those_that_it_has_not_heard(
    shard: Path, settings: config.TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []

    def noted(source: Batches, number: int, make: Callable[[Batches, int], Batch] = Batches.batch) -> Batch:
        heard.append(number)
        return make(source, number)

    monkeypatch.setattr(Batches, "batch", noted)
    for steps, size in ((2, 3), (4, 1), (5, 2)):
        schedule = dataclasses.replace(settings.train, steps=steps, batches_per_step=size, warmup_steps=10)
        train.train(dataclasses.replace(settings, train=schedule), shard, tmp_path)
    assert heard == list(range(2 * 3 + 2 * 1 + 1 * 2))


def test_a_checkpoint_that_does_not_tell_its_batches_goes_on_after_those_of_its_steps(
    run: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    _, state = train.load_checkpoint(run / train.CHECKPOINT)
    assert state.pop("batch") == 60
    torch.save(state, tmp_path / train.CHECKPOINT)
    student = train._start(tiny_config, CPU)
    resume(student, tiny_config, tmp_path / train.CHECKPOINT, CPU)
    assert (student.step, student.batch) == (60, 60)
