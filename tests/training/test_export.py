from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile

from addon.core.model import FaceModel
from addon.core.pipeline import animate
from addon.core.settings import ModelSettings, Settings
from model_training import export, train
from model_training.articulation import CHANNELS


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
    line = next(iter(sorted(corpus.glob("*/*.wav"))))
    samples, rate = soundfile.read(line, dtype="float32")
    file = corpus / "long.wav"
    soundfile.write(file, np.tile(samples, 4), rate)
    short, whole = (
        animate(file, Settings(model=ModelSettings(path=str(onnx_file), window_s=window_s))) for window_s in (1.0, 60.0)
    )
    assert np.abs(short.values - whole.values).max() < 1e-4


def test_a_model_that_runs_differently_is_not_exported(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "disagreement", lambda module, file: 0.1)
    with pytest.raises(export.ExportError, match="differs"):
        export.export(
            run / train.CHECKPOINT, tmp_path / "x.onnx", {"version": "0", "licence": "x", "training_data": "x"}
        )
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.pt").write_bytes(b"nothing")
    arguments = ["--checkpoint", str(tmp_path / "bad.pt"), "--out", str(tmp_path / "x.onnx"), "--training-data", "x"]
    assert export.main(arguments) == 2
    err = capsys.readouterr().err
    assert "bad.pt" in err
    assert err.count("\n") == 1
