"""What counts, and how much: rows of closures, rows past a line's end, and lips relative to the jaw."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model_training.articulation import SOLO
from model_training.config import LossSettings
from model_training.dataset import Batch
from model_training.losses import Criterion
from model_training.network import CLOSE, JAW, Prediction
from model_training.phones import INVENTORY

SAID = ("sil", "aa", "m", "f", "s")
COUNT = len(SAID)


@pytest.fixture(scope="module")
def sample() -> Tensor:
    """Curves whose deviations differ from channel to channel, (R, C)."""
    spread = torch.linspace(0.05, 0.3, len(SOLO))
    return torch.randn(500, len(SOLO), generator=torch.Generator().manual_seed(0)) * spread


def batch_of(inside: Tensor | None = None) -> Batch:
    """One crop of one row a phone, whose jaw is half open."""
    targets = torch.zeros(1, COUNT, len(SOLO))
    targets[..., JAW] = 0.5
    phones = torch.tensor([[INVENTORY.index(name) for name in SAID]])
    return Batch(torch.zeros(1, 320 * COUNT), targets, phones, torch.ones(1, COUNT) if inside is None else inside)


def right(batch: Batch) -> Prediction:
    """What a student says who knows the curves, and nothing of seals and phones."""
    return Prediction(batch.targets.clone(), torch.zeros(1, COUNT), torch.zeros(1, COUNT, len(INVENTORY)))


def costs(sample: Tensor, row: int, batch: Batch) -> dict[str, float]:
    """What being wrong in one row alone adds to each loss."""
    criterion, wrong = Criterion(LossSettings(), sample), right(batch)
    wrong.channels[0, row] += 0.1
    wrong.seal[0, row] = 3.0
    wrong.phones[0, row, INVENTORY.index("zh")] = 3.0
    before, after = criterion(right(batch), batch), criterion(wrong, batch)
    return {name: float(after[name] - before[name]) for name in ("channels", "signals", "seal", "phones")}


@pytest.mark.parametrize("name", ["m", "f"])
def test_a_row_of_lips_that_meet_counts_four_times(sample: Tensor, name: str) -> None:
    batch = batch_of()
    often, once = (costs(sample, SAID.index(which), batch) for which in (name, "aa"))
    assert all(often[loss] == pytest.approx(4 * once[loss], rel=1e-4) for loss in once)
    assert min(once.values()) > 0


def test_the_phone_of_a_row_outside_the_line_counts_a_fifth_and_its_curves_in_full(sample: Tensor) -> None:
    inside = torch.tensor([[1.0, 0.0, 1.0, 1.0, 1.0]])
    out, within = (costs(sample, SAID.index(name), batch_of(inside)) for name in ("aa", "s"))
    assert out["phones"] == pytest.approx(0.2 * within["phones"], rel=1e-4)
    assert out["channels"] == pytest.approx(within["channels"], rel=1e-4)


def test_lips_are_to_be_sealed_where_they_close_over_the_whole_jaw(sample: Tensor) -> None:
    criterion, batch = Criterion(LossSettings(), sample), batch_of()
    batch.targets[0, :, CLOSE] = torch.tensor([0.0, 0.0, 0.5, 0.0, 0.0])  # of a jaw that is at .5
    wanted = torch.tensor([[-4.0, -4.0, 4.0, -4.0, -4.0]])
    said = right(batch)
    sure, wrong = (criterion(Prediction(said.channels, seal, said.phones), batch)["seal"] for seal in (wanted, -wanted))
    assert sure < 0.05
    assert wrong > 3.5


def test_velocity_is_of_motion_and_not_of_place(sample: Tensor) -> None:
    criterion, batch = Criterion(LossSettings(), sample), batch_of()
    shifted, shaken = right(batch), right(batch)
    shifted.channels.add_(0.1)
    shaken.channels[0, ::2] += 0.1
    assert float(criterion(shifted, batch)["velocity"]) == pytest.approx(0, abs=1e-9)
    assert criterion(shaken, batch)["velocity"] > 0.1


def test_an_error_is_measured_in_the_deviations_of_its_channel(sample: Tensor) -> None:
    criterion, batch = Criterion(LossSettings(), sample), batch_of()
    found = []
    for channel in (0, len(SOLO) - 1):
        wrong = right(batch)
        wrong.channels[..., channel] += 0.1 * sample[:, channel].std()
        found.append(float(criterion(wrong, batch)["channels"]))
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    assert found[0] == pytest.approx(0.5 * 0.1**2 / len(SOLO), rel=1e-3)
