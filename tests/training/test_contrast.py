"""Contrast: it wants what the score wants of each row, and standing out is what lowers it."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from model_training import config, score, targets
from model_training.articulation import RATE
from model_training.contrast import Contrast, runs
from model_training.corpora import CorpusError
from model_training.dataset import Batch
from model_training.losses import Criterion
from model_training.network import SOLO, Prediction
from model_training.phones import INVENTORY, Phone
from model_training.targets import CLASSES

SAID = [("sil", 12), ("p", 5), ("aa", 6), ("iy", 4), ("w", 3), ("sil", 3), ("s", 4), ("aw", 7), ("f", 5), ("sil", 14)]


def spoken() -> tuple[list[Phone], torch.Tensor]:
    """The same line as phones in seconds and as a batch of one, in rows."""
    phones, at = [], 0
    for name, rows in SAID:
        phones.append(Phone(name, at / RATE, (at + rows) / RATE))
        at += rows
    return phones, torch.tensor([[INVENTORY.index(name) for name, rows in SAID for _ in range(rows)]])


@pytest.mark.parametrize("kind", CLASSES)
def test_it_asks_of_rows_what_the_score_asks_of_frames(kind: str) -> None:
    phones, rows = spoken()
    wanted, counters = (one[0, :, list(CLASSES).index(kind)].numpy() for one in Contrast().examples(rows))
    frames = targets.frames(phones, kind, rows.shape[1], RATE)
    assert wanted.sum() >= 2
    assert ((frames == targets.TARGET) != wanted).sum() <= 2
    assert ((frames == targets.COUNTER) != counters).sum() <= 4  # a row at an edge: GUARD_S is one and a half
    assert not (wanted & (frames == targets.COUNTER)).any()
    assert not (counters & (frames == targets.TARGET)).any()


def test_runs_are_counted_from_both_ends() -> None:
    passed, length = runs(torch.tensor([[4, 4, 1, 7, 7, 7], [2, 2, 2, 2, 2, 2]]))
    assert passed.tolist() == [[0, 1, 0, 0, 1, 2], [0, 1, 2, 3, 4, 5]]
    assert length.tolist() == [[2, 2, 1, 3, 3, 3], [6] * 6]


def test_a_mouth_that_stands_out_costs_less_than_one_that_is_unsure_and_that_less_than_a_wrong_one() -> None:
    _, rows = spoken()
    contrast = Contrast()
    wanted, counters = contrast.examples(rows)
    costs = []
    for clear in (1.0, 0.4, 0.0, -1.0):
        signals = torch.zeros(1, rows.shape[1], len(score.SIGNALS), requires_grad=True)
        shown = torch.zeros_like(signals)
        for number, kind in enumerate(CLASSES.values()):
            which = list(score.SIGNALS).index(kind.signal)
            asked = wanted[..., number].float() - counters[..., number].float()
            shown[..., which] += clear * kind.sign * asked
        cost = contrast(signals + shown, rows)
        cost.backward()
        assert signals.grad is not None
        assert signals.grad.isfinite().all()
        costs.append(float(cost.detach()))
    assert costs == sorted(costs)
    assert costs[0] < 0.7 * costs[2]


def test_each_class_counts_as_much_as_in_the_score() -> None:
    _, rows = spoken()
    contrast = Contrast()
    _, counters = contrast.examples(rows)
    against = counters.sum(dim=1)[0]  # rows that a mouth which shows nothing does not stand out from
    weights = torch.tensor([kind.weight for kind in CLASSES.values()])
    cost = contrast(torch.zeros(1, rows.shape[1], len(score.SIGNALS)), rows)
    assert torch.isclose(cost, (weights * torch.log1p(against)).sum())


def test_a_crop_in_which_nobody_speaks_costs_nothing() -> None:
    signals = torch.zeros(2, 30, len(score.SIGNALS), requires_grad=True)
    cost = Contrast()(signals, torch.zeros(2, 30, dtype=torch.int64))
    cost.backward()
    assert float(cost.detach()) == 0
    assert signals.grad is not None
    assert not signals.grad.any()


def test_it_counts_as_much_as_the_config_says() -> None:
    _, rows = spoken()
    count, rng = rows.shape[1], torch.Generator().manual_seed(0)
    taught, said = (torch.rand(1, count, len(SOLO), generator=rng) for _ in range(2))
    batch = Batch(torch.zeros(1, 320 * count), taught, rows, torch.ones(1, count))
    predicted = Prediction(said, torch.zeros(1, count), torch.zeros(1, count, len(INVENTORY)))
    without, half = (Criterion(config.LossSettings(contrast=much), taught[0])(predicted, batch) for much in (0.0, 0.5))
    assert "contrast" not in without
    assert half["contrast"] > 0
    assert torch.isclose(half["total"], without["total"] + 0.5 * half["contrast"])


def test_a_contrast_below_nothing_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"loss\.contrast of the training config must be 0 or more"):
        dataclasses.replace(config.LossSettings(), contrast=-0.1)
