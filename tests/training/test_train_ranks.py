"""Two processes that train together learn what one would that is given the batches of both."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from model_training import config, ranks, train
from model_training.corpora import CorpusError
from model_training.ranks import Ranks, ToldElsewhere, joined

from .conftest import write_config

pytest.importorskip("resource", reason="torchrun and a limit on the size of files are tried where there are both")
ROOT = Path(__file__).parents[2]
STEPS = 10


class Together(NamedTuple):
    """What two processes left behind, and what they said."""

    folder: Path
    said: str
    statuses: list[list[int]]


@pytest.fixture(scope="module")
def short(tiny_config: config.TrainingConfig) -> config.TrainingConfig:
    """A few steps of two batches each, before a critic."""
    train_ = dataclasses.replace(tiny_config.train, steps=STEPS, save_every_steps=STEPS, crop_s=0.8, learning_rate=1e-3)
    return dataclasses.replace(tiny_config, train=train_, loss=dataclasses.replace(tiny_config.loss, critic=0.2))


@pytest.fixture(scope="module")
def together(short: config.TrainingConfig, shard: Path, tmp_path_factory: pytest.TempPathFactory) -> Together:
    """Two processes under torchrun, which train and then meet trouble."""
    folder = tmp_path_factory.mktemp("together")
    write_config(short, folder).rename(folder / "short.toml")
    write_config(short, folder, steps=STEPS + 5).rename(folder / "long.toml")
    heard = (folder / "long.toml").read_text(encoding="utf-8").replace("heard = 0.0", "heard = 0.5")
    (folder / "heard.toml").write_text(heard, encoding="utf-8")
    wild = shutil.copytree(shard, folder / "wild") / "targets.f16"
    wild.write_bytes(np.full(wild.stat().st_size // 2, np.nan, np.float16).tobytes())
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    script = [Path(__file__).with_name("two_processes.py"), folder, shard]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, *map(str, script)], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    statuses = [json.loads((folder / f"statuses{number}.json").read_text()) for number in (0, 1)]
    return Together(folder, done.stderr, statuses)


def test_two_processes_learn_what_one_does_on_both_their_batches(
    together: Together, short: config.TrainingConfig, shard: Path, tmp_path: Path
) -> None:
    both = dataclasses.replace(short, train=dataclasses.replace(short.train, batches_per_step=2))
    train.train(both, shard, tmp_path)
    alone, alone_state = train.load_checkpoint(tmp_path / train.CHECKPOINT)
    shared, shared_state = train.load_checkpoint(together.folder / "run" / train.CHECKPOINT)
    assert shared == alone  # the run of two tells how many batches a step has
    start = train._start(short, torch.device("cpu"))
    moved, apart = 0.0, 0.0
    for name, value in alone_state["network"].items():
        apart = max(apart, float((value - shared_state["network"][name]).abs().max()))
        moved = max(moved, float((value - start.average[name]).abs().max()))
    assert moved > 1e-3
    assert apart < 1e-2 * moved
    critics = (state["critic"]["network"] for state in (alone_state, shared_state))
    assert all(torch.allclose(*pair, atol=1e-5) for pair in zip(*(one.values() for one in critics), strict=True))
    tables = [np.loadtxt(one / train.LOSSES, skiprows=1) for one in (tmp_path, together.folder / "run")]
    assert np.allclose(*tables, atol=2e-4)
    (part,) = [json.loads((together.folder / "run" / "run.json").read_text())["parts"][0]]
    assert part["processes"] == 2


def test_trouble_of_one_process_stops_both_with_one_line(together: Together) -> None:
    assert together.statuses == [[0, 2, 2, 2], [0, 2, 2, 2]]
    errors = [line for line in together.said.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3
    assert f"the loss of batch {2 * STEPS + 1} is not a number" in errors[0]
    assert "loss.heard of the config needs heard.f16" in errors[1]
    assert "make room" in errors[2]
    assert "FutureWarning" not in together.said


@pytest.mark.parametrize(("rank", "told"), [("0", KeyboardInterrupt), ("1", ToldElsewhere)])
def test_only_the_first_process_tells_that_all_were_stopped(
    rank: str, told: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": rank}.items():
        monkeypatch.setenv(name, value)
    for name in ("init_process_group", "destroy_process_group"):
        monkeypatch.setattr(f"torch.distributed.{name}", lambda *given: None)
    with pytest.raises(told), joined():
        raise KeyboardInterrupt


def test_trouble_keeps_the_checkpoint_of_both(together: Together) -> None:
    assert train.load_checkpoint(together.folder / "run" / train.CHECKPOINT)[1]["step"] == STEPS
    assert not list((together.folder / "run").glob("*.partial"))


def test_every_batch_of_a_step_falls_to_one_process() -> None:
    groups = [Ranks(torch.device("cpu"), number, 3) for number in range(3)]
    shares = [list(train.batch_numbers(24, 6, group)) for group in groups]
    assert sorted(number for share in shares for number in share) == list(range(24, 30))
    assert {len(share) for share in shares} == {2}


def test_a_step_that_processes_cannot_share_is_refused(short: config.TrainingConfig, tmp_path: Path) -> None:
    odd = dataclasses.replace(short, train=dataclasses.replace(short.train, batches_per_step=3))
    with pytest.raises(CorpusError, match="2 processes cannot share the 3 batches of a step"):
        train._ready(odd, tmp_path / "run", None, Ranks(torch.device("cpu"), 0, 2))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("has_nccl", "over"), [(True, "cpu:gloo,cuda:nccl"), (False, "gloo")])  # Windows has none
def test_gradients_travel_over_what_the_system_has(monkeypatch: pytest.MonkeyPatch, has_nccl: bool, over: str) -> None:
    asked: list[str] = []
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "0")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _device: None)
    monkeypatch.setattr(ranks.dist, "is_nccl_available", lambda: has_nccl)
    monkeypatch.setattr(ranks.dist, "init_process_group", asked.append)
    monkeypatch.setattr(ranks.dist, "destroy_process_group", lambda: None)
    with ranks.joined() as group:
        assert group.count == 2
    assert asked == [over]
