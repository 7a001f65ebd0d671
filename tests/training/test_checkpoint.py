"""What a run folder holds, and what a training makes of it that was told otherwise."""

from __future__ import annotations

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
