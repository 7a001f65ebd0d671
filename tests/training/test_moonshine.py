from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from addon.core.errors import FacewrightError
from addon.core.model import bundled_model_path
from model_training import encoder, front, moonshine
from model_training.config import NetworkSettings

WHOLE = NetworkSettings("waveform", moonshine.LAYERS[288], 288, moonshine.HEADS, 400, 0.0)


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
    broken = tmp_path / "broken.ort"
    broken.write_bytes(b"no model")
    with pytest.raises(FacewrightError, match="cannot read Moonshine's encoder"):
        moonshine.encoder_weights(broken, WHOLE)
    with pytest.raises(FacewrightError, match="no bottleneck"):
        moonshine.encoder_weights(broken, dataclasses.replace(WHOLE, front_rank=160))
    with pytest.raises(FacewrightError, match="is not the encoder of Moonshine tiny or base"):
        moonshine.encoder_weights(bundled_model_path(), WHOLE)
    if (file := moonshine.installed()) is not None:
        for other in (dataclasses.replace(WHOLE, layers=7), dataclasses.replace(WHOLE, width=416, layers=6)):
            with pytest.raises(FacewrightError, match="6 layers of width 288 with 8 heads"):
                moonshine.encoder_weights(file, other)


def test_matrices_are_read_as_moonshine_base_stores_them(tmp_path: Path) -> None:
    helper, rng = onnx.helper, np.random.default_rng(0)
    stored, zero, scale = rng.integers(0, 255, (6, 6)).astype(np.uint8), np.uint8(103), np.float32(0.0125)
    kernel = rng.integers(0, 255, (6, 1, 5)).astype(np.uint8)
    nodes = [
        helper.make_node("Cast", ["conv1.weight_quantized"], ["cast"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["cast", "conv1.weight_scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "conv1.weight_zero_point"], ["conv1.weight_add_tensor"]),
        helper.make_node("Conv", ["sound", "conv1.weight_add_tensor"], ["heard"]),
        helper.make_node("DynamicQuantizeLinear", ["hidden"], ["small", "its_scale", "its_zero"]),
        helper.make_node(
            "MatMulInteger", ["small", "m_quantized", "its_zero", "m_zero_point"], ["merged"],
            name="/layers.0/self_attn/dense/MatMul_quant",
        ),
        helper.make_node("Cast", ["merged"], ["floats"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["its_scale", "m_scale"], ["scales"]),
        helper.make_node("Mul", ["floats", "scales"], ["out"]),
    ]  # fmt: skip
    constants = {
        "conv1.weight_quantized": kernel, "conv1.weight_scale": np.float32([0.5]),
        "conv1.weight_zero_point": np.float32([0.25]), "m_quantized": stored, "m_zero_point": zero, "m_scale": scale,
    }  # fmt: skip
    places = {"sound": [1, 1, 9], "hidden": [4, 6], "heard": [1, 6, 5], "out": [4, 6]}
    told = {n: helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n, shape in places.items()}
    initial = [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "base", [told["sound"], told["hidden"]], [told["heard"], told["out"]], initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "encoder_model.onnx")
    arrays = moonshine._arrays(tmp_path / "encoder_model.onnx")
    np.testing.assert_allclose(arrays["layers.0.self_attn.o_proj"], (stored.astype(np.float32) - 103) * 0.0125)
    np.testing.assert_allclose(arrays["conv1.weight"], kernel * np.float32(0.5) + np.float32(0.25))
