from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from addon.core.errors import FacewrightError
from model_training import config, moonshine, train
from model_training.checkpoint import mean_network
from model_training.network import STEP_SAMPLES
from model_training.prepare import open_shard
from model_training.slim import _halves, main, slim, slim_encoder

from .conftest import CONFIGS


@pytest.fixture(scope="module")
def trained(tiny_config: config.TrainingConfig, shard: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = dataclasses.replace(tiny_config.network, front="waveform", width=32)
    few = dataclasses.replace(tiny_config.train, steps=2)
    settings = dataclasses.replace(tiny_config, network=network, train=few)
    return train.train(settings, shard, tmp_path_factory.mktemp("waveform"))


def test_a_wide_bottleneck_changes_next_to_nothing_and_a_narrow_one_more(
    trained: Path, shard: Path, tmp_path: Path
) -> None:
    speech = torch.from_numpy(open_shard(shard).samples[: 20 * STEP_SAMPLES].astype("float32") / 32768)[None]
    _, full, steps = mean_network([trained])
    differences = []
    for rank in (60, 4):
        kept = slim([trained], open_shard(shard), rank, tmp_path / "slim.pt")
        settings, network, steps_after = mean_network([tmp_path / "slim.pt"])
        assert (settings.network.front_rank, steps_after) == (rank, steps)
        with torch.no_grad():
            change = (network.encoder.front(speech, False) - full.encoder.front(speech, False)).abs().mean()
        differences.append((float(change), kept))
    (little, most), (much, some) = differences
    assert little < 0.2 * much
    assert some < most <= 1 + 1e-9


def test_a_mean_of_a_slim_front_and_a_whole_one_is_of_whole_ones(trained: Path, shard: Path, tmp_path: Path) -> None:
    slim([trained], open_shard(shard), 8, tmp_path / "slim.pt")
    (_, narrow, _), (_, full, _) = mean_network([tmp_path / "slim.pt"]), mean_network([trained])
    settings, mean, _ = mean_network([tmp_path / "slim.pt", trained])
    assert settings.network.front_rank == 0
    weights = {name: 2 * value - full.state_dict()[name] for name, value in mean.state_dict().items()}
    mean.load_state_dict(weights)  # what the slim one was made into
    speech = torch.from_numpy(open_shard(shard).samples[: 20 * STEP_SAMPLES].astype("float32") / 32768)[None]
    with torch.no_grad():
        torch.testing.assert_close(mean(speech).channels, narrow(speech).channels, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(full(speech).channels, narrow(speech).channels, atol=1e-5)


def test_a_mean_of_fronts_that_were_made_slim_apart_is_of_whole_ones(
    trained: Path, shard: Path, tmp_path: Path
) -> None:
    slim([trained], open_shard(shard), 8, tmp_path / "one.pt")
    state = torch.load(tmp_path / "one.pt", weights_only=True)
    turn = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(0)))[0]
    average = state["average"]
    average["encoder.front.spread.weight"] = average["encoder.front.spread.weight"].float() @ turn.T
    for name in [name for name in average if name.startswith("encoder.front.second.") and name.endswith("weight")]:
        average[name] = torch.einsum("ij,j...->i...", turn, average[name].float())
    torch.save(state, tmp_path / "other.pt")
    (_, one, _), (_, other, _) = mean_network([tmp_path / "one.pt"]), mean_network([tmp_path / "other.pt"])
    settings, mean, _ = mean_network([tmp_path / "one.pt", tmp_path / "other.pt"])
    assert settings.network.front_rank == 0
    speech = torch.from_numpy(open_shard(shard).samples[: 20 * STEP_SAMPLES].astype("float32") / 32768)[None]
    with torch.no_grad():
        for network in (other, mean):  # which all hear the same
            torch.testing.assert_close(network(speech).channels, one(speech).channels, rtol=1e-4, atol=1e-5)
    assert mean_network([tmp_path / "one.pt"] * 2)[0].network.front_rank == 8


def test_the_cut_is_the_best_for_the_inputs_at_hand() -> None:
    torch.manual_seed(0)
    matrix, inputs = torch.randn(6, 8), torch.randn(500, 8) * torch.tensor([5.0, 5, 5, 1, 0.1, 0.1, 0.1, 0.1])
    spread, narrow, kept = _halves(matrix, (inputs.T @ inputs).double(), 3)
    cut = inputs @ (spread @ narrow).T
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    plain = inputs @ ((left[:, :3] * values[:3]) @ right[:3]).T
    wanted = inputs @ matrix.T
    assert (cut - wanted).square().sum() < (plain - wanted).square().sum()
    assert kept == pytest.approx(1 - float((cut - wanted).square().sum() / wanted.square().sum()), abs=1e-4)


def test_what_cannot_be_made_slimmer_is_refused(run: Path, trained: Path, shard: Path, tmp_path: Path) -> None:
    with pytest.raises(FacewrightError, match="only a waveform front"):
        slim([run / train.CHECKPOINT], open_shard(shard), 8, tmp_path / "slim.pt")
    with pytest.raises(FacewrightError, match="--rank must be 1 to 63, not 64"):
        slim([trained], open_shard(shard), 64, tmp_path / "slim.pt")
    few = dataclasses.replace(open_shard(shard), targets=open_shard(shard).targets[:200])
    with pytest.raises(FacewrightError, match="too short: it takes more than 4.8 s"):
        slim([trained], few, 8, tmp_path / "slim.pt")
    assert not (tmp_path / "slim.pt").exists()


def test_an_ear_that_has_not_learnt_to_speak_is_made_slim_too(
    trained: Path, shard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, published, _ = mean_network([trained])
    asked: list[config.NetworkSettings] = []

    def weights(file: Path, network: config.NetworkSettings) -> dict[str, torch.Tensor]:
        asked.append(network)
        return published.encoder.state_dict()

    monkeypatch.setattr(moonshine, "encoder_weights", weights)
    narrow = dataclasses.replace(settings, network=dataclasses.replace(settings.network, front_rank=60))
    kept = slim_encoder(tmp_path / "encoder_model.onnx", narrow, open_shard(shard), 60, tmp_path / "ear.pt")
    made, network, steps = mean_network([tmp_path / "ear.pt"])
    assert (made.network, asked, steps) == (narrow.network, [settings.network], 0)
    assert 0.99 < kept <= 1 + 1e-9
    speech = torch.from_numpy(open_shard(shard).samples[: 20 * STEP_SAMPLES].astype("float32") / 32768)[None]
    with torch.no_grad():
        heard, theirs = network.encoder(speech), published.encoder(speech)
    assert torch.corrcoef(torch.stack([heard.flatten(), theirs.flatten()]))[0, 1] > 0.99


def test_an_encoder_is_made_slim_for_a_config_that_listens_to_waveforms(
    shard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--encoder", str(tmp_path / "encoder_model.onnx"), "--shard", str(shard), "--rank", "8", "--out", "x.pt"]
    with pytest.raises(SystemExit):
        main(command)
    assert "--encoder and --config belong together" in capsys.readouterr().err
    assert main([*command, "--config", str(CONFIGS / "mel.toml")]) == 2
    assert "set network.front of the config to 'waveform'" in capsys.readouterr().err
