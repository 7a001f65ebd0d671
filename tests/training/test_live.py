from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from addon.core.live import LiveFace
from model_training import config, live, quantise, weights
from model_training.articulation import SOLO
from model_training.config import NetworkSettings, TrainingConfig
from model_training.corpora import CorpusError
from model_training.export import Exported, ExportError
from model_training.front import TOKEN_SAMPLES
from model_training.network import STEP_SAMPLES, FaceNetwork
from model_training.prepare import open_shard

SETTINGS = NetworkSettings(
    front="waveform", layers=2, width=32, heads=2, attention_tokens=4, dropout=0.0, front_rank=16
)
METADATA = {"version": "0", "licence": "CC0-1.0", "training_data": "nothing"}


@pytest.fixture(scope="module")
def network() -> FaceNetwork:
    """Of random weights, so loud that what a layer looks at shows."""
    torch.manual_seed(0)
    network = FaceNetwork(SETTINGS).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.5)
        network.live_mouth.channels.bias.add_(2.0)
    return network


@pytest.fixture(scope="module")
def live_file(network: FaceNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live")
    return live.export_live([checkpoint(network, folder)], folder / "live.onnx", METADATA)


def checkpoint(network: FaceNetwork, folder: Path) -> Path:
    table = config.to_table(TrainingConfig(network=network.settings))
    torch.save({"config": json.dumps(table), "average": network.state_dict(), "step": 3}, folder / "checkpoint.pt")
    return folder / "checkpoint.pt"


def line(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise that comes and goes, with stretches of digital silence."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * 16_000)) / 16_000
    loud = 0.2 * np.clip(np.sin(2 * np.pi * 1.3 * t), 0, 1) * ((t % 3.7) < 3)
    return (loud * rng.standard_normal(len(t))).astype(np.float32)


def whole(network: FaceNetwork, samples: np.ndarray) -> np.ndarray:
    """The rows that the network gives of the whole sound at once."""
    rows = -(-len(samples) // 320)
    padded = np.pad(samples, (0, STEP_SAMPLES + -len(samples) % STEP_SAMPLES))
    with torch.no_grad():
        return Exported(network).eval()(torch.from_numpy(padded[np.newaxis]), live=True)[0, :rows].numpy()


def in_pieces(face: LiveFace, samples: np.ndarray, largest: int, seed: int = 0) -> np.ndarray:
    cuts = np.cumsum(np.random.default_rng(seed).integers(0, largest + 1, 2 * len(samples) // largest))
    rows = [face.push(piece).values for piece in np.split(samples, cuts[cuts < len(samples)])]
    return np.concatenate([*rows, face.finish().values])


@pytest.mark.parametrize(("seconds", "largest"), [(9.3, 700), (6.0, 5_000), (4.007, 40_000), (0.5, 300), (0.01, 9)])
def test_a_stream_in_any_pieces_gives_the_rows_of_the_whole(
    network: FaceNetwork, live_file: Path, seconds: float, largest: int
) -> None:
    samples = line(seconds)
    expected = whole(network, samples)
    rows = in_pieces(LiveFace.load(live_file, "cpu"), samples, largest)
    assert rows.shape == expected.shape
    assert np.ptp(expected[:, 2:], axis=0).max(initial=0) > (0.05 if seconds > 1 else -1)
    np.testing.assert_allclose(rows, expected, atol=1e-5)


def test_the_first_frames_level_counts_only_what_was_heard(network: FaceNetwork, live_file: Path) -> None:
    samples = line(3.0, seed=5)[4_000:]  # loud from the first sample on
    np.testing.assert_allclose(
        in_pieces(LiveFace.load(live_file, "cpu"), samples, 384)[:20], whole(network, samples)[:20], atol=1e-5
    )


def test_minutes_later_a_stream_hears_what_its_last_seconds_say(network: FaceNetwork, live_file: Path) -> None:
    face = LiveFace.load(live_file, "cpu")
    blocks = [line(24.0, seed) for seed in range(8)]
    for block in blocks:
        rows = face.push(block).values
    late = blocks[-1][-12 * 16_000 :]  # 100 blocks of rows, so that rows begin alike
    expected = whole(network, late)[-200:-3]  # the row 60 ms before the end waits for 16 ms more
    np.testing.assert_allclose(rows[-197:], expected, atol=1e-5)


def test_the_file_says_what_it_needs_and_no_more(live_file: Path) -> None:
    face = LiveFace.load(live_file, "cpu")
    assert face.look_ahead_ms == 80
    assert face.card.look_ahead_s == 0.08
    assert face.card.training_data == "nothing"


def test_eight_bits_nearly_keep_a_stream_and_cut_it_as_well(live_file: Path, shard: Path, tmp_path: Path) -> None:
    small = quantise.quantise(live_file, open_shard(shard), tmp_path / "small.onnx")
    exact, rounded = LiveFace.load(live_file, "cpu"), LiveFace.load(small, "cpu")
    assert rounded.card == exact.card
    assert small.stat().st_size < 0.9 * live_file.stat().st_size
    apart = np.abs(in_pieces(rounded, line(5.0), 900) - in_pieces(exact, line(5.0), 900))
    assert 0 < apart.max() < 0.1
    cut_otherwise = in_pieces(rounded, line(5.0), 9_000)  # a last bit may round an eight-bit value the other way
    np.testing.assert_allclose(in_pieces(rounded, line(5.0), 900), cut_otherwise, atol=1e-2)


def test_what_a_calibration_is_fed_is_a_stream(live_file: Path) -> None:
    fed = list(live.feeds(live_file, [line(2.0), line(1.0)]))
    assert [int(feed["place"]) for feed in fed] == [*range(0, 80, 5), *range(0, 40, 5)]
    assert not fed[0]["memory"].any()
    assert not fed[16]["memory"].any()
    assert fed[1]["memory"].any()


def test_a_step_takes_one_token_or_many(network: FaceNetwork) -> None:
    step = live.LiveStep(network).eval()
    sound = torch.from_numpy(line(1.0)[: 8 * TOKEN_SAMPLES])
    said: dict[int, list[torch.Tensor]] = {1: [], 4: []}
    for size, views in said.items():
        memory = torch.zeros(sum(step.sizes))
        for token in range(0, 8, size):
            with torch.no_grad():
                piece = sound[token * TOKEN_SAMPLES :][: size * TOKEN_SAMPLES]
                out, memory = step(piece, torch.tensor(token), memory)
            views.append(out)
    one, many = (torch.cat(views) for views in said.values())
    assert one.shape == (8, 10, len(SOLO))
    assert torch.allclose(one, many, atol=1e-5)


def test_a_network_on_log_mel_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mel = FaceNetwork(dataclasses.replace(SETTINGS, front="mel", front_rank=0))
    with pytest.raises(CorpusError, match="not live streams"):
        live.LiveStep(mel)
    out = tmp_path / "out.onnx"
    arguments = ["--checkpoint", str(checkpoint(mel, tmp_path)), "--out", str(out), "--training-data", "x"]
    assert live.main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not out.exists()


def test_a_training_that_never_heard_a_stream_is_refused_in_half_digits_too(tmp_path: Path) -> None:
    untaught = FaceNetwork(SETTINGS)
    file, kept = checkpoint(untaught, tmp_path), tmp_path / "kept.pt"
    weights.keep([file], kept)
    for one in (file, kept):
        with pytest.raises(CorpusError, match="never heard a stream: set train.live"):
            live.export_live([one], tmp_path / "live.onnx", METADATA)
    assert not list(tmp_path.glob("*.onnx"))


def test_a_file_that_runs_differently_is_not_written(
    network: FaceNetwork, live_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = SimpleNamespace(save=lambda file: shutil.copy(live_file, file))
    monkeypatch.setattr(live, "_program", lambda module: first)
    other = FaceNetwork(SETTINGS).eval()
    torch.nn.init.ones_(other.encoder.live_mixing)
    with pytest.raises(ExportError, match="differs from PyTorch"):
        live.export_live([checkpoint(other, tmp_path)], tmp_path / "live.onnx", METADATA)
    assert not list(tmp_path.glob("*.onnx"))
