from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from addon.core.errors import FacewrightError
from model_training import encoder, front, moonshine
from model_training.config import NetworkSettings

WHOLE = NetworkSettings("waveform", moonshine.LAYERS, moonshine.WIDTH, moonshine.HEADS, 400, 0.0)


def test_the_encoder_begins_as_moonshines(monkeypatch: pytest.MonkeyPatch) -> None:
    file = moonshine.installed()
    if file is None:
        pytest.skip("moonshine-voice is not installed")
    monkeypatch.setattr(encoder, "LEVEL_TOKENS", 1000)  # over the whole sound, as it was trained
    ours = encoder.SpeechEncoder(WHOLE).eval()
    ours.load_state_dict(moonshine.encoder_weights(file, WHOLE))
    seconds = np.arange(30 * encoder.STEP_SAMPLES) / 16_000
    sound = (0.2 * np.sin(700 * seconds + 20 * np.sin(5 * seconds)) * np.sin(9 * seconds)).astype(np.float32)
    around = np.pad(sound, front.BEFORE_SAMPLES)[None]
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    feeds = {"input_values": around, "attention_mask": np.ones(around.shape, np.int64)}
    theirs = session.run(None, feeds)[0][0]
    with torch.no_grad():
        hidden = ours(torch.from_numpy(sound)[None])[0].numpy()
    assert hidden.shape == theirs.shape
    assert np.corrcoef(hidden.ravel(), theirs.ravel())[0, 1] > 0.99  # theirs computes in eight bits


def test_another_size_or_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FacewrightError, match="6 layers of width 288"):
        moonshine.encoder_weights(tmp_path / "none.ort", NetworkSettings("waveform"))
    broken = tmp_path / "broken.ort"
    broken.write_bytes(b"no model")
    with pytest.raises(FacewrightError, match="cannot read Moonshine's encoder"):
        moonshine.encoder_weights(broken, WHOLE)
