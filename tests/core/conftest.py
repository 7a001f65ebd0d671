"""A tiny real model, and sounds of our own making."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import soundfile
from onnx import TensorProto, helper, numpy_helper

from addon.core.model import FaceModel
from addon.core.prosody import Prosody

NAMES = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPressLeft", "mouthPressRight", "browInnerUp")
Array = npt.NDArray[np.float32]

SPREAD = 25  # rows either side that a row of the tiny model hears: 0.5 s
METADATA = {
    "schema": "1",
    "name": "tiny",
    "version": "0.1.0",
    "channels": json.dumps(NAMES),
    "sample_rate": "16000",
    "rate": "50",
    "context_s": "0.52",
    "look_ahead_s": "0.52",
    "emotions": "[]",
    "styles": "[]",
    "licence": "CC0-1.0",
    "training_data": "none: its weights are written by hand",
}


def _graph(
    width: int = len(NAMES), output: str = "channels", extra: Sequence[onnx.ValueInfoProto] = ()
) -> onnx.GraphProto:
    """Loudness over half a second either side, by a convolution, opens the jaw; every channel is a share of it."""
    rng = np.random.default_rng(7)
    smear = rng.uniform(0.1, 1, (width, 1, 2 * SPREAD + 1)).astype(np.float32)
    smear /= smear.sum(axis=2, keepdims=True)
    constants = {
        "hops": np.array([0, -1, 320], np.int64),
        "axis": np.array([2], np.int64),
        "one": np.array([1], np.int64),
        "smear": smear,
        "gain": np.array(4.0, np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["waveform", "waveform"], ["power"]),
        helper.make_node("Reshape", ["power", "hops"], ["rows"]),  # (B, N) -> (B, T, 320)
        helper.make_node("ReduceMean", ["rows", "axis"], ["mean"], keepdims=0),
        helper.make_node("Sqrt", ["mean"], ["level"]),
        helper.make_node("Unsqueeze", ["level", "one"], ["signal"]),  # (B, T) -> (B, 1, T)
        helper.make_node("Conv", ["signal", "smear"], ["mixed"], pads=[SPREAD, SPREAD]),
        helper.make_node("Mul", ["mixed", "gain"], ["loud"]),
        helper.make_node("Tanh", ["loud"], ["bounded"]),
        helper.make_node("Transpose", ["bounded"], [output], perm=[0, 2, 1]),  # (B, C, T) -> (B, T, C)
    ]
    waveform = helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["B", "N"])
    channels = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["B", "T", width])
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return helper.make_graph(nodes, "tiny", [waveform, *extra], [channels], initializers)


def _saved(path: Path, metadata: dict[str, str], graph: onnx.GraphProto) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file that honours the contract."""
    return _saved(tmp_path_factory.mktemp("model") / "tiny.onnx", METADATA, _graph())


@pytest.fixture
def altered_model(tmp_path: Path) -> Callable[..., Path]:
    """Writes the tiny model with some metadata changed (None: left out), or with a graph of other shape."""

    def write(graph: dict[str, object] | None = None, **changes: str | None) -> Path:
        metadata = {key: value for key, value in {**METADATA, **changes}.items() if value is not None}
        return _saved(tmp_path / "altered.onnx", metadata, _graph(**(graph or {})))

    return write


@pytest.fixture
def face_model(tiny_model: Path) -> FaceModel:
    return FaceModel.load(tiny_model)


@pytest.fixture(scope="session")
def babble() -> Callable[..., Array]:
    """Something like speech, (N,) at 16 kHz: a gliding voice in syllables and phrases, over a noise floor."""

    def make(seconds: float, seed: int = 0) -> Array:
        t = np.arange(round(seconds * 16_000)) / 16_000
        pitch = 120 * 2 ** (0.25 * np.sin(2 * np.pi * 0.7 * t) + 0.1 * np.sin(2 * np.pi * 2.3 * t))
        phase = 2 * np.pi * np.cumsum(pitch) / 16_000
        voice = sum(np.sin(k * phase) / k for k in range(1, 12))
        syllables = np.clip(np.sin(2 * np.pi * 2.1 * t), 0, 1) ** 0.5
        floor = 0.0005 * np.random.default_rng(seed).standard_normal(len(t))
        return (0.15 * voice * syllables * ((t % 3.0) < 2.2) + floor).astype(np.float32)

    return make


@pytest.fixture
def speech_file(tmp_path: Path, babble: Callable[..., Array]) -> Path:
    """A WAV of five seconds of babble."""
    path = tmp_path / "line.wav"
    soundfile.write(path, babble(5.0), 16_000)
    return path


@pytest.fixture(scope="session")
def made_prosody() -> Callable[[int], Prosody]:
    """Phrases of 2.2 s with pauses of 0.8 s between, pitch and loudness that rise and fall, of so many rows."""

    def make(rows: int) -> Prosody:
        t = np.arange(rows) / 50
        talking = (t % 3.0) < 2.2
        beat = np.clip(np.sin(2 * np.pi * 2.1 * t), 0, 1)
        loudness = np.where(talking, -35 + 18 * beat, -75)
        pitch = np.where(talking & (beat > 0.1), 120 + 40 * np.sin(2 * np.pi * 0.7 * t) + 20 * beat, 0)
        return Prosody(loudness.astype(np.float32), pitch.astype(np.float32))

    return make
