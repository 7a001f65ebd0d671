from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import soundfile
import torch

from addon.core.errors import FacewrightError
from addon.core.model import FaceModel
from addon.core.pipeline import animate
from addon.core.settings import ModelSettings, Settings
from model_training import checkpoint, export, quantise, train
from model_training.articulation import CHANNELS
from model_training.network import STEP_SAMPLES
from model_training.prepare import open_shard


def test_the_exported_file_is_one_that_the_core_reads(onnx_file: Path) -> None:
    card = FaceModel.load(onnx_file).card
    assert card.channels == CHANNELS
    assert card.licence == "CC0-1.0"


def test_onnxruntime_and_pytorch_agree(run: Path, onnx_file: Path) -> None:
    settings, state = train.load_checkpoint(run / train.CHECKPOINT)
    network = export.FaceNetwork(settings.network)
    network.load_state_dict(state["average"])
    assert export.disagreement(export.Exported(network).eval(), onnx_file) <= 1e-4


def test_mel_is_computed_inside_the_graph(onnx_file: Path) -> None:
    graph = onnx.load(onnx_file).graph
    assert [item.name for item in graph.input] == ["waveform"]


def test_windows_of_any_length_give_the_same_curves(onnx_file: Path, corpus: Path) -> None:
    line = next(iter(sorted(corpus.glob("*/*.flac"))))
    samples, rate = soundfile.read(line, dtype="float32")
    file = corpus / "long.wav"
    soundfile.write(file, np.tile(samples, 4), rate)
    short, whole = (
        animate(file, Settings(model=ModelSettings(path=str(onnx_file), window_s=window_s))) for window_s in (1.0, 60.0)
    )
    assert np.abs(short.values - whole.values).max() < 1e-4


def test_a_model_that_runs_differently_is_not_exported(
    run: Path, onnx_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, state = train.load_checkpoint(run / train.CHECKPOINT)
    other = {name: 0.9 * value if value.is_floating_point() else value for name, value in state["average"].items()}
    torch.save({**state, "average": other}, tmp_path / "other.pt")
    first = SimpleNamespace(save=lambda file: shutil.copy(onnx_file, file))
    monkeypatch.setattr(export, "_program", lambda module: first)
    with pytest.raises(export.ExportError, match="differs"):
        export.export(
            [tmp_path / "other.pt"], tmp_path / "out" / "x.onnx", {"version": "0", "licence": "x", "training_data": "x"}
        )
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("told", ["", " ", "two\nlines", "M\udcfcller"])
def test_what_a_card_cannot_hold_is_refused_before_the_work(told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        export.main(["--checkpoint", "x.pt", "--out", "x.onnx", "--training-data", told])
    assert "argument --training-data: must be a line of UTF-8 text" in capsys.readouterr().err


def test_a_disk_that_fills_is_told_with_the_file(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def save(file: str) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(export, "_program", lambda module: SimpleNamespace(save=save))
    with pytest.raises(export.ExportError, match=r"x.onnx' \(No space left on device\): make room"):
        export.export([run / train.CHECKPOINT], tmp_path / "x.onnx", {})
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.pt").write_bytes(b"nothing")
    arguments = ["--checkpoint", str(tmp_path / "bad.pt"), "--out", str(tmp_path / "x.onnx"), "--training-data", "x"]
    assert export.main(arguments) == 2
    err = capsys.readouterr().err
    assert "bad.pt" in err
    assert err.count("\n") == 1


def test_eight_bits_keep_the_card_and_nearly_the_curves(onnx_file: Path, shard: Path, tmp_path: Path) -> None:
    small = quantise.quantise(onnx_file, open_shard(shard), tmp_path / "small.onnx")
    exact, rounded = FaceModel.load(onnx_file), FaceModel.load(small)
    assert rounded.card == exact.card
    assert small.stat().st_size < 0.9 * onnx_file.stat().st_size
    sound = np.random.default_rng(0).standard_normal((1, 40 * STEP_SAMPLES)).astype(np.float32) * 0.05
    apart = np.abs(rounded.run(sound) - exact.run(sound))
    assert 0 < apart.max() < 0.1
    nodes = onnx.load(small).graph.node
    products = {name for node in nodes if node.op_type == "MatMul" for name in node.output}
    assert not [node for node in nodes if node.op_type == "QuantizeLinear" and node.input[0] in products]


def test_eight_bits_of_a_window_are_those_of_the_whole(onnx_file: Path, shard: Path, tmp_path: Path) -> None:
    model = FaceModel.load(quantise.quantise(onnx_file, open_shard(shard), tmp_path / "small.onnx"))
    sound = np.random.default_rng(1).standard_normal(90 * STEP_SAMPLES).astype(np.float32) * 0.05
    whole, parts = ([model.predict(w) for w in model.windows([sound], window_s)] for window_s in (60.0, 3.0))
    assert len(parts) > 1
    apart = np.abs(np.concatenate(whole) - np.concatenate(parts))
    assert np.mean(apart > 1e-5) < 0.1  # a number at the border of two steps falls to either side, one sound in thirty
    assert apart.max() < 0.01


def test_a_file_without_matrices_is_refused(shard: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(FacewrightError, match="cannot read the model"):
        quantise.quantise(tmp_path / "broken.onnx", open_shard(shard), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_the_mean_of_two_checkpoints_lies_between_them(run: Path, tmp_path: Path) -> None:
    state = torch.load(run / train.CHECKPOINT, weights_only=True)
    state["average"] = {name: value + 0.5 for name, value in state["average"].items()}
    made_by = json.loads(state["config"])
    made_by["network"]["dropout"] += 0.1  # no weight hangs on it
    state["config"] = json.dumps(made_by)
    torch.save(state, tmp_path / "other.pt")
    _, network, steps = checkpoint.mean_network([run / train.CHECKPOINT, tmp_path / "other.pt"])
    first = train.load_checkpoint(run / train.CHECKPOINT)[1]["average"]
    assert steps == 2 * state["step"]
    assert all(torch.allclose(value, first[name] + 0.25, atol=1e-6) for name, value in network.state_dict().items())
