from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from model_training.network import MEL_FLOOR, FaceNetwork, LogMel, NetworkSettings, context_s

SMALL = NetworkSettings(layers=2, width=32, heads=2, attention_tokens=4, dropout=0.0)


@pytest.fixture
def network() -> FaceNetwork:
    torch.manual_seed(0)
    return FaceNetwork(SMALL).eval()


def test_log_mel_is_librosas() -> None:
    samples = np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1
    samples += np.sin(np.arange(16000) * 0.2).astype(np.float32)
    ours = LogMel()(torch.from_numpy(samples)[None])[0].numpy()
    power = librosa.feature.melspectrogram(
        y=samples, sr=16000, n_fft=400, hop_length=160, n_mels=80, pad_mode="constant"
    )
    theirs = np.log(power.T[: len(ours)] + MEL_FLOOR)
    assert np.abs(ours - theirs).max() < 1e-3


def test_silence_is_the_floor_and_never_infinite() -> None:
    assert torch.allclose(LogMel()(torch.zeros(1, 3200)), torch.tensor(float(np.log(MEL_FLOOR))))


@pytest.mark.parametrize("tokens", [1, 3, 4, 9, 50])
def test_two_rows_a_token_at_any_length(network: FaceNetwork, tokens: int) -> None:
    predicted = network(torch.randn(2, 640 * tokens) * 0.1)
    assert predicted.channels.shape[:2] == predicted.seal.shape == predicted.phones.shape[:2] == (2, 2 * tokens)


def test_what_lies_past_the_context_changes_nothing(network: FaceNetwork) -> None:
    waveform = torch.randn(1, 640 * 100) * 0.1
    changed = waveform.clone()
    changed[:, : 640 * 40] = 0
    near = int(np.ceil(context_s(SMALL) * 25))
    before, after = network(waveform).channels, network(changed).channels
    assert torch.allclose(before[:, 2 * (40 + near) :], after[:, 2 * (40 + near) :], atol=1e-5)
    assert not torch.allclose(before[:, :80], after[:, :80], atol=1e-3)


def test_lips_are_sealed_relative_to_the_jaw(network: FaceNetwork) -> None:
    channels = network(torch.randn(1, 640 * 20)).channels[0]
    jaw, close = channels[:, 0], channels[:, 1]
    assert torch.all(close <= jaw.clamp(min=0) + 1e-6)
