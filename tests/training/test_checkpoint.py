"""What a run folder holds, and what a training makes of it that was told otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from model_training import config, train, weights
from model_training.ranks import TrainingError


def test_weights_without_a_run_are_to_be_begun_from_not_gone_on_with(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    weights.keep([run / train.CHECKPOINT], tmp_path / train.CHECKPOINT)
    kept = (tmp_path / train.CHECKPOINT).read_bytes()
    with pytest.raises(TrainingError, match="holds weights to begin from, not a run: name it after --start"):
        train.train(tiny_config, shard, tmp_path)
    assert (tmp_path / train.CHECKPOINT).read_bytes() == kept


def test_a_run_that_was_begun_elsewhere_is_not_gone_on_with_as_if_begun_here(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(run, out)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    with pytest.raises(TrainingError, match="was begun from nothing, not base: leave --start out to go on"):
        train.train(tiny_config, shard, out, [Path("base")])
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
