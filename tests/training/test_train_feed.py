"""Batches that other processes make are those that the trainer would have made."""

from __future__ import annotations

import dataclasses
import multiprocessing
import time
from pathlib import Path

import pytest
import torch

from model_training import config, feed, prepare
from model_training.dataset import Batches
from model_training.ranks import TrainingError

NUMBERS = range(3, 10)


def with_workers(settings: config.TrainingConfig, workers: int) -> config.TrainingConfig:
    train = dataclasses.replace(settings.train, workers=workers, live=0.5)
    return dataclasses.replace(settings, network=dataclasses.replace(settings.network, front="waveform"), train=train)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order_and_are_the_same_whoever_makes_them(
    workers: int, shard: Path, tiny_config: config.TrainingConfig
) -> None:
    settings = with_workers(tiny_config, workers)
    wanted = Batches(prepare.open_shard(shard), settings)
    with feed.ahead(wanted, shard, settings, NUMBERS) as made:
        for number in NUMBERS:
            batch, same = made.take(), wanted.batch(number)
            assert torch.equal(batch.waveform, same.waveform)
            assert torch.equal(batch.targets, same.targets)
            assert torch.equal(batch.phones, same.phones)
            assert batch.live == same.live
        assert made.waiting_s > 0
        with pytest.raises(StopIteration):
            made.take()
    assert not multiprocessing.active_children()


def test_a_worker_that_dies_is_one_line(shard: Path, tiny_config: config.TrainingConfig) -> None:
    settings = with_workers(tiny_config, 1)
    source = Batches(prepare.open_shard(shard), settings)
    with feed.ahead(source, shard, settings, range(10_000)) as made:
        made.take()
        # By then it waits for more to do: one that dies in the midst of handing a batch over is not noticed by CPython.
        time.sleep(2.0)
        for child in multiprocessing.active_children():
            child.kill()
        with pytest.raises(TrainingError, match="lower train.workers"):
            list(iter(made.take, None))


def test_chance_inside_the_network_depends_on_seed_and_batch_alone() -> None:
    seeds = {feed.torch_seed(seed, number) for seed in range(3) for number in range(3)}
    assert len(seeds) == 9
    assert feed.torch_seed(1, 2) == feed.torch_seed(1, 2)
    for seed in seeds:
        torch.manual_seed(seed)
