"""What a run folder holds, and what a training makes of it that was told otherwise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from model_training import checkpoint, config, train, weights
from model_training.corpora import CorpusError
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


@pytest.mark.parametrize(
    "lacking",
    [{}, {"step": 1}, {"step": 1, "average": None}, {"step": 1, "average": {"a": "b"}}, {"average": {}, "step": None}],
)
def test_a_file_of_pytorch_that_is_no_checkpoint_is_refused_in_one_line(
    tmp_path: Path, lacking: dict[str, object]
) -> None:
    checkpoint.write(lacking, config.TrainingConfig(), tmp_path / "a.pt")
    with pytest.raises(CorpusError, match=r"a\.pt': model_training\.train did not write it") as refusal:
        checkpoint.mean_network([tmp_path / "a.pt"])
    assert len(str(refusal.value).splitlines()) == 1


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (tmp_path / "touched",)

    checkpoint.write({"step": 1, "average": Evil()}, config.TrainingConfig(), tmp_path / "a.pt")
    with pytest.raises(CorpusError, match=r"model_training\.train did not write it"):
        checkpoint.load_checkpoint(tmp_path / "a.pt")
    assert not (tmp_path / "touched").exists()


def test_a_checkpoint_with_a_setting_of_another_version_is_named(run: Path, tmp_path: Path) -> None:
    state = torch.load(run / train.CHECKPOINT, weights_only=True)
    state["config"] = json.dumps(json.loads(state["config"]) | {"later": 1})
    torch.save(state, tmp_path / "odd.pt")
    with pytest.raises(CorpusError, match=r"odd\.pt.*the training config has no setting 'later'"):
        checkpoint.mean_network([run / train.CHECKPOINT, tmp_path / "odd.pt"])


def test_a_run_whose_optimiser_is_of_another_kind_is_not_gone_on_with(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    state = torch.load(run / train.CHECKPOINT, weights_only=True)
    state["optimiser"]["param_groups"].pop()
    torch.save(state, tmp_path / train.CHECKPOINT)
    with pytest.raises(TrainingError, match="is of another version of the trainer: name it after --start"):
        train.train(tiny_config, shard, tmp_path)
