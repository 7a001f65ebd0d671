from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from model_training import export
from model_training.config import NetworkSettings
from model_training.fast import FewerProducts, PlainNorm, fast
from model_training.front import Front
from model_training.network import STEP_SAMPLES, FaceNetwork

SETTINGS = NetworkSettings(
    front="waveform", layers=2, width=32, heads=2, attention_tokens=4, dropout=0.0, front_rank=12
)


def shaken(module: nn.Module) -> nn.Module:
    """Every parameter moved, so that no gain is one and no shift zero."""
    torch.manual_seed(0)
    with torch.no_grad():
        for value in module.parameters():
            value += 0.1 * torch.randn_like(value)
    return module.eval()


@pytest.mark.parametrize("bias", [True, False])
def test_the_plain_norm_is_layer_normalisation(bias: bool) -> None:
    norm = shaken(nn.LayerNorm(24, bias=bias))
    x = 3 + torch.randn(2, 7, 24)
    assert torch.allclose(PlainNorm(norm)(x), norm(x), atol=1e-5)


@pytest.mark.parametrize("rank", [0, 12])
@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_fewer_products_hear_the_same(rank: int, steps: int) -> None:
    front = shaken(Front(32, rank))
    sound = 0.1 * torch.randn(2, steps * STEP_SAMPLES)
    with torch.no_grad():
        expected = front(sound, False)  # before: the fast form takes the weights over
        heard = FewerProducts(front)(sound, False)
    assert heard.shape == expected.shape == (2, 5 * steps, 32)
    assert torch.allclose(heard, expected, atol=1e-5)


@pytest.fixture(scope="module")
def student() -> export.Exported:
    return export.Exported(shaken(FaceNetwork(SETTINGS))).eval()


@pytest.fixture(scope="module")
def written(student: export.Exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("fast") / "fast.onnx"
    export._program(fast(student)).save(str(file))
    return file


@pytest.mark.parametrize(("batch", "steps"), [(1, 2), (3, 7), (1, 500)])
def test_the_fast_form_gives_what_pytorch_gives_at_any_length(
    student: export.Exported, written: Path, batch: int, steps: int
) -> None:
    sound = 0.1 * torch.randn(batch, steps * STEP_SAMPLES)
    with torch.no_grad():
        expected = student(sound).numpy()
    session = onnxruntime.InferenceSession(written, providers=["CPUExecutionProvider"])
    (rows,) = session.run(["channels"], {"waveform": sound.numpy()})
    assert expected.std() > 1e-3
    np.testing.assert_allclose(rows, expected, atol=1e-5)


def test_what_is_slow_in_onnxruntime_is_not_asked_for(written: Path) -> None:
    nodes = onnx.load(written).graph.node
    asked = {node.op_type for node in nodes}
    assert "RotaryEmbedding" in asked
    assert not asked & {"LayerNormalization", "Pow"}
    layers = [node for node in nodes if any("encoder.layers" in item.value for item in node.metadata_props)]
    assert len(layers) > 50
    assert "Pad" not in {node.op_type for node in layers}  # blocks are gathered beside their neighbours


def test_the_network_itself_stays_as_it_is(student: export.Exported) -> None:
    before = {name: value.clone() for name, value in student.state_dict().items()}
    fast(student)
    assert all(torch.equal(value, before[name]) for name, value in student.state_dict().items())
    assert any(isinstance(module, nn.LayerNorm) for module in student.modules())


def test_a_mel_encoder_loses_only_its_norms() -> None:
    network = shaken(FaceNetwork(dataclasses.replace(SETTINGS, front="mel", front_rank=0)))
    sound = 0.1 * torch.randn(1, 3 * STEP_SAMPLES)
    with torch.no_grad():
        assert torch.allclose(fast(network)(sound).channels, network(sound).channels, atol=1e-5)
