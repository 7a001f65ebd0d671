"""A critic that tells the teacher's motion from a student's, and what the student learns from it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from addon.core.errors import FacewrightError
from model_training import config, prepare, train
from model_training.articulation import SOLO
from model_training.config import CRITIC_ROWS as REACH
from model_training.critic import Critic, Opponent

CPU = torch.device("cpu")
ROWS = 60


@pytest.fixture(scope="module")
def taught(shard: Path) -> Tensor:
    """Stretches of the teacher's curves in their deviations, (B, T, C)."""
    curves = torch.from_numpy(prepare.open_shard(shard).targets.astype("float32"))
    count = len(curves) // ROWS
    stretches: Tensor = (curves / curves.std(dim=0).clamp(min=0.02))[: count * ROWS].unflatten(0, (count, ROWS))
    return stretches


def half_hearted(taught: Tensor) -> Tensor:
    """What a student shows that cannot tell two moments apart: the mean of both."""
    return (taught + taught.roll(7, dims=1)) / 2


@pytest.fixture(scope="module")
def opponent(taught: Tensor) -> Opponent:
    """A critic that has learnt for a while."""
    torch.manual_seed(0)
    one = Opponent(CPU)
    for _ in range(150):
        one.forget()
        one.judge(half_hearted(taught), taught)[1].backward()
        one.step()
    return one


def test_a_critic_finds_out_motion_that_no_teacher_makes(opponent: Opponent, taught: Tensor) -> None:
    with torch.no_grad():
        kept, mixed = (float(opponent.network(curves).mean()) for curves in (taught, half_hearted(taught)))
    assert kept > mixed + 0.4


def test_the_student_is_pulled_from_half_hearted_motion_to_the_teachers(opponent: Opponent, taught: Tensor) -> None:
    share = torch.tensor(0.3, requires_grad=True)  # of the teacher's in the student's motion
    opponent.judge(share * taught + (1 - share) * half_hearted(taught), taught)[0].backward()
    assert share.grad is not None
    assert share.grad < 0


def test_a_verdict_is_on_half_a_second() -> None:
    curves = torch.zeros(1, REACH + 4, len(SOLO))
    before = Critic()
    assert before(curves[:, :REACH]).shape == (1, 1)
    assert before(curves).shape == (1, 2)
    changed = curves.clone()
    changed[:, REACH:] = 1
    assert torch.equal(before(changed)[:, 0], before(curves)[:, 0])


def test_neither_learns_from_the_others_loss(taught: Tensor) -> None:
    one, moved = Opponent(CPU), (0.5 * taught).requires_grad_()
    found_out, mistaken = one.judge(moved, taught)
    found_out.backward()
    assert moved.grad is not None
    assert moved.grad.abs().max() > 0
    assert all(weight.grad is None for weight in one.network.parameters())
    moved.grad = None
    mistaken.backward()
    assert moved.grad is None
    assert all(weight.grad is not None for weight in one.network.parameters())


def test_a_training_with_a_critic_goes_on_exactly_where_it_was(
    shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    def to(steps: int, out: Path) -> dict[str, Any]:
        schedule = dataclasses.replace(tiny_config.train, steps=steps, warmup_steps=10, save_every_steps=2)
        loss = dataclasses.replace(tiny_config.loss, critic=0.2)
        return train.load_checkpoint(
            train.train(dataclasses.replace(tiny_config, train=schedule, loss=loss), shard, out)
        )[1]

    to(2, tmp_path / "parts")
    parts, whole = to(4, tmp_path / "parts"), to(4, tmp_path / "whole")
    for one, other in ((parts["network"], whole["network"]), (parts["critic"]["network"], whole["critic"]["network"])):
        assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_a_critic_whose_gradient_is_no_number_stops_and_keeps_the_checkpoint(
    shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    def to(steps: int) -> None:
        schedule = dataclasses.replace(tiny_config.train, steps=steps, save_every_steps=1)
        loss = dataclasses.replace(tiny_config.loss, critic=0.2)
        train.train(dataclasses.replace(tiny_config, train=schedule, loss=loss), shard, tmp_path)

    to(1)
    _, state = train.load_checkpoint(tmp_path / train.CHECKPOINT)
    weights = state["critic"]["network"]
    weights["layers.4.bias"].fill_(1e22)  # verdicts near 1e18: their squares are numbers,
    weights["layers.6.weight"].fill_(1e-6)  # and so is what the student learns from them
    torch.save(state, tmp_path / train.CHECKPOINT)
    with pytest.raises(train.TrainingError, match="the gradient of step 1 is not a number"):
        to(2)
    assert train.load_checkpoint(tmp_path / train.CHECKPOINT)[1]["step"] == 1


def test_no_critic_is_the_default_and_its_losses_are_noted(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    assert "critic" not in train.load_checkpoint(run / train.CHECKPOINT)[1]
    assert "critic" not in (run / train.LOSSES).read_text(encoding="utf-8")
    judged = dataclasses.replace(tiny_config.loss, critic=0.2)
    ten = dataclasses.replace(tiny_config.train, steps=10)
    train.train(dataclasses.replace(tiny_config, loss=judged, train=ten), shard, tmp_path)
    heading, row = (line.split("\t") for line in (tmp_path / train.LOSSES).read_text(encoding="utf-8").splitlines())
    losses = dict(zip(heading, map(float, row), strict=True))
    assert 0 < losses["critic"] < losses["total"]
    assert losses["mistaken"] > 0
    with pytest.raises(FacewrightError, match=r"loss.critic of the training config must be 0 or more, not -1"):
        dataclasses.replace(judged, critic=-1.0)
    short = dataclasses.replace(tiny_config.train, crop_s=0.5)
    with pytest.raises(FacewrightError, match=r"loss.critic of the training config needs train.crop_s of 0.6 or more"):
        dataclasses.replace(tiny_config, loss=judged, train=short)
