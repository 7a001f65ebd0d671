from __future__ import annotations

import dataclasses

import librosa
import numpy as np
import pytest
import torch

from addon.core.errors import FacewrightError
from model_training.config import NetworkSettings
from model_training.mel import MEL_FLOOR, LogMel
from model_training.network import STEP_ROWS, STEP_SAMPLES, FaceNetwork, context_s, hear

MEL = NetworkSettings(layers=2, width=32, heads=2, attention_tokens=4, dropout=0.0)
WAVEFORM = dataclasses.replace(MEL, front="waveform")


@pytest.fixture(params=[MEL, WAVEFORM], ids=["mel", "waveform"])
def network(request: pytest.FixtureRequest) -> FaceNetwork:
    torch.manual_seed(0)
    return FaceNetwork(request.param).eval()


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


@pytest.mark.parametrize("steps", [1, 2, 3, 17])
def test_six_rows_a_step_at_any_length(network: FaceNetwork, steps: int) -> None:
    predicted = network(torch.randn(2, STEP_SAMPLES * steps) * 0.1)
    rows = (2, STEP_ROWS * steps)
    assert predicted.channels.shape[:2] == predicted.seal.shape == predicted.phones.shape[:2] == rows


def test_what_lies_past_the_context_changes_nothing(network: FaceNetwork) -> None:
    waveform = torch.randn(1, STEP_SAMPLES * 60) * 0.1
    changed = waveform.clone()
    changed[:, : STEP_SAMPLES * 20] = 0
    far = STEP_ROWS * 20 + int(np.ceil(context_s(network.settings) * 50))
    before, after = network(waveform).channels, network(changed).channels
    assert torch.allclose(before[:, far:], after[:, far:], atol=1e-5)
    assert not torch.allclose(before[:, : STEP_ROWS * 19], after[:, : STEP_ROWS * 19], atol=1e-3)


def test_a_window_that_starts_on_a_step_hears_what_the_whole_does(network: FaceNetwork) -> None:
    waveform = torch.randn(1, STEP_SAMPLES * 60) * 0.1
    near = int(np.ceil(context_s(network.settings) * 50 / STEP_ROWS))
    whole, window = network(waveform).channels, network(waveform[:, STEP_SAMPLES * 7 :]).channels
    assert torch.allclose(whole[:, STEP_ROWS * (7 + near) :], window[:, STEP_ROWS * near :], atol=1e-5)


def test_a_student_listens_where_its_weights_are(network: FaceNetwork) -> None:
    heard = hear(network.to("meta"), np.zeros(5000, np.float32))
    assert heard.channels.device.type == heard.phones.device.type == "meta"
    assert heard.channels.shape[1] == 16


@pytest.mark.parametrize("row", range(60, 66))
def test_a_live_row_needs_what_is_heard_until_80_ms_after_it_and_no_more(row: int) -> None:
    torch.manual_seed(0)
    network = FaceNetwork(dataclasses.replace(WAVEFORM, front_rank=16)).eval()
    waveform = torch.randn(1, STEP_SAMPLES * 15) * 0.1
    heard = waveform.clone()
    heard[:, row * 320 + 80 * 16 :] = torch.randn(1, STEP_SAMPLES * 15 - row * 320 - 80 * 16)
    before, after = network(waveform, live=True).channels, network(heard, live=True).channels
    assert torch.allclose(before[:, : row + 1], after[:, : row + 1], atol=1e-6)
    assert not torch.allclose(before[:, row + 2 :], after[:, row + 2 :], atol=1e-3)


@pytest.mark.parametrize("live", [False, True])
def test_a_stream_has_a_mouth_and_a_mixing_of_its_own(live: bool) -> None:
    network = FaceNetwork(WAVEFORM)
    network(torch.randn(1, STEP_SAMPLES * 7) * 0.1, live=live).channels.square().sum().backward()
    touched = {name.rsplit(".", 2)[0] for name, value in network.named_parameters() if value.grad is not None}
    assert ("live_mouth" in touched, "mouth" in touched) == (live, not live)
    mixing = network.encoder.live_mixing
    assert torch.allclose(mixing.sum(dim=1), torch.ones(6))
    assert bool(mixing.grad.all()) if live else mixing.grad is None


def test_a_log_mel_encoder_does_not_listen_live() -> None:
    with pytest.raises(ValueError, match="not live streams"):
        FaceNetwork(MEL)(torch.zeros(1, STEP_SAMPLES), live=True)


def test_a_click_moves_the_rows_around_its_instant(network: FaceNetwork) -> None:
    waveform = torch.zeros(1, STEP_SAMPLES * 40)
    still = network(waveform).channels
    waveform[:, 20 * STEP_SAMPLES : 20 * STEP_SAMPLES + 32] = 0.5
    moved = (network(waveform).channels - still).abs().sum(dim=2)[0].detach()
    centre = (moved * torch.arange(len(moved))).sum() / moved.sum()
    assert abs(float(centre) - 20 * STEP_ROWS) < STEP_ROWS


def test_lips_are_sealed_relative_to_the_jaw(network: FaceNetwork) -> None:
    channels = network(torch.randn(1, STEP_SAMPLES * 7)).channels[0]
    jaw, close = channels[:, 0], channels[:, 1]
    assert torch.all(close <= jaw.clamp(min=0) + 1e-6)


def test_an_unknown_front_is_refused() -> None:
    with pytest.raises(FacewrightError, match="mel or waveform, not 'cochlea'"):
        NetworkSettings(front="cochlea")
