"""A finished student's hearing as a goal for the next one."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from addon.core.errors import FacewrightError
from model_training import config, distil, prepare, train
from model_training.articulation import ROW_SAMPLES
from model_training.checkpoint import mean_network
from model_training.dataset import Batches


@pytest.fixture(scope="module")
def heard_shard(run: Path, shard: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shard that the finished training has heard."""
    copy = shutil.copytree(shard, tmp_path_factory.mktemp("heard") / "shard")
    assert distil.main(["--checkpoint", str(run / train.CHECKPOINT), "--shard", str(copy)]) == 0
    return copy


def sharing(settings: config.TrainingConfig, share: float) -> config.TrainingConfig:
    return dataclasses.replace(settings, loss=dataclasses.replace(settings.loss, heard=share))


def test_every_line_is_heard_whole_and_by_itself(run: Path, heard_shard: Path) -> None:
    shard = prepare.open_shard(heard_shard)
    assert shard.heard is not None
    _, network, _ = mean_network([run / train.CHECKPOINT])
    line = shard.lines[3]
    rows = slice(line.first_row, line.first_row + line.rows)
    sound = shard.samples[rows.start * ROW_SAMPLES : rows.stop * ROW_SAMPLES].astype(np.float32) / 32768
    padded = np.pad(sound, (0, -len(sound) % (6 * ROW_SAMPLES)))
    with torch.inference_mode():
        alone = network.eval()(torch.from_numpy(padded)[None]).channels[0, : line.rows].clamp(0, 1).numpy()
    assert np.abs(alone - shard.heard[rows]).max() < 1e-3
    assert len(shard.heard) == len(shard.targets)
    assert np.abs(shard.heard - shard.targets).mean() > 1e-3


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux what is mapped")
def test_a_shard_is_heard_again_where_what_is_mapped_cannot_be_replaced(
    run: Path, heard_shard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped: list[str] = []
    monkeypatch.setattr(distil, "write_whole", lambda *_: mapped.append(Path("/proc/self/maps").read_text()))
    assert distil.main(["--checkpoint", str(run / train.CHECKPOINT), "--shard", str(heard_shard)]) == 0
    assert str(heard_shard / "targets.f16") in mapped[0]
    assert str(heard_shard / prepare.HEARD) not in mapped[0]


def test_a_share_of_what_is_learnt_is_what_was_heard(heard_shard: Path, tiny_config: config.TrainingConfig) -> None:
    shard = prepare.open_shard(heard_shard)
    taught, half, heard = (Batches(shard, sharing(tiny_config, share)).batch(7) for share in (0.0, 0.5, 1.0))
    assert not torch.allclose(taught.targets, heard.targets)
    assert torch.allclose(half.targets, (taught.targets + heard.targets) / 2, atol=1e-3)
    assert torch.equal(taught.waveform, heard.waveform)
    assert torch.equal(taught.phones, heard.phones)


def test_a_pupil_of_a_student_trains(heard_shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path) -> None:
    few = dataclasses.replace(tiny_config.train, steps=2)
    checkpoint = train.train(dataclasses.replace(sharing(tiny_config, 1.0), train=few), heard_shard, tmp_path)
    assert train.load_checkpoint(checkpoint)[0].loss.heard == 1.0


def test_what_was_never_heard_cannot_be_learnt_from(
    heard_shard: Path, shard: Path, run: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    with pytest.raises(FacewrightError, match=r"heard.f16 in the shard: run model_training.distil first"):
        train.train(sharing(tiny_config, 0.5), shard, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(FacewrightError, match=r"loss.heard of the training config must be a share, 0 to 1, not 2"):
        sharing(tiny_config, 2.0)
    copy = shutil.copytree(heard_shard, tmp_path / "shard")
    with (copy / prepare.HEARD).open("ab") as file:
        file.write(b"more")
    with pytest.raises(FacewrightError, match=r"heard.f16' is of other lines"):
        prepare.open_shard(copy)
    assert distil.main(["--checkpoint", str(tmp_path / "none.pt"), "--shard", str(shard)]) == 2
    assert not (shard / prepare.HEARD).exists()
