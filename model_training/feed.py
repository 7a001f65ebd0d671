"""Batches made ahead of the training, by a thread or by processes of their own; which they are never changes."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .config import TrainingConfig
from .dataset import Batch, Batches
from .prepare import open_shard
from .ranks import TrainingError

AHEAD = 2  # batches under way for each worker


class Feed:
    """Batches in their order, and how long the trainer has waited for them."""

    def __init__(self, batches: Iterator[Batch], source: Batches) -> None:
        self._batches, self._source, self.waiting_s = batches, source, 0.0

    def take(self) -> Batch:
        """The next batch."""
        began = time.perf_counter()
        batch = next(self._batches)
        self.waiting_s += time.perf_counter() - began
        return batch

    def lines(self, number: int) -> str:
        """Whose crops a batch is made of, to be told."""
        return ", ".join(sorted(set(self._source.lines(number))))


@contextlib.contextmanager
def ahead(source: Batches, folder: Path, settings: TrainingConfig, numbers: Iterable[int]) -> Iterator[Feed]:
    """The source's batches of these numbers in their order, while train.workers processes make the next ones.

    folder, settings: what the source was made of, for each process to make its own.
    """
    workers = settings.train.workers
    if not workers:
        with ThreadPoolExecutor(1) as thread:
            yield Feed(_in_order(thread, source.batch, numbers, AHEAD), source)
        return
    fresh = multiprocessing.get_context("spawn")  # a fork would copy locks that PyTorch's threads hold
    with ProcessPoolExecutor(workers, fresh, initializer=_open, initargs=(folder, settings)) as pool:
        try:
            made = (_batch(parts) for parts in _in_order(pool, _make, numbers, AHEAD * workers))
            yield Feed(made, source)
        finally:
            pool.shutdown(cancel_futures=True)


def onto(batch: Batch, device: torch.device) -> Batch:
    """The batch on a device; on its way to a GPU it does not hold up the work that is already there."""
    if device.type != "cuda":
        return batch.to(device)
    pinned: dict[str, Any] = {
        name: value.pin_memory().to(device, non_blocking=True) if isinstance(value, Tensor) else value
        for name, value in _parts(batch).items()
    }
    return Batch(**pinned)


def torch_seed(seed: int, number: int) -> int:
    """What PyTorch's own chance, dropout, begins with on a batch: the same wherever and whenever it is learnt."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])


def _in_order(pool: Executor, make: Callable[[int], Any], numbers: Iterable[int], waiting: int) -> Iterator[Any]:
    under_way: deque[Future[Any]] = deque()
    try:
        for number in numbers:
            under_way.append(pool.submit(make, number))
            if len(under_way) > waiting:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    except BrokenProcessPool as error:
        told = "a process that makes batches has died, as when memory runs out: set a lower train.workers, and go on"
        raise TrainingError(told) from error
    finally:
        for future in under_way:
            future.cancel()


_batches: Batches | None = None  # in a worker alone


def _open(folder: Path, settings: TrainingConfig) -> None:
    """What a worker begins with; Ctrl+C is the trainer's to answer, and a worker does not outlive it."""
    global _batches
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    _batches = Batches(open_shard(folder), settings)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(number: int) -> dict[str, Any]:
    if _batches is None:
        raise RuntimeError("a worker that was not opened")
    parts = _parts(_batches.batch(number))
    return {name: value.numpy() if isinstance(value, Tensor) else value for name, value in parts.items()}


def _batch(parts: Mapping[str, Any]) -> Batch:
    tensors: dict[str, Any] = {k: torch.as_tensor(v) if isinstance(v, np.ndarray) else v for k, v in parts.items()}
    return Batch(**tensors)


def _parts(batch: Batch) -> dict[str, Any]:
    return {item.name: getattr(batch, item.name) for item in dataclasses.fields(batch)}
