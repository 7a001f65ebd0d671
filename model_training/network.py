"""The student: a transformer from a 16 kHz waveform to mouth channels.

What listens is one of two encoders (`settings.front`): `encoder.SpeechEncoder` on the waveform, which a published
speech encoder may be the beginning of, or `mel.MelEncoder`, which learns from nothing. What speaks is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, cat, nn

from addon.core.audio import RATE as SAMPLE_RATE

from . import encoder, mel
from .articulation import ROW_SAMPLES, SOLO
from .config import NetworkSettings
from .phones import INVENTORY

STEP_SAMPLES = encoder.STEP_SAMPLES  # a waveform's length is a multiple of this: 120 ms, six rows
STEP_ROWS = STEP_SAMPLES // ROW_SAMPLES
TOKEN_SLOTS = 2  # moments that a token speaks of
CHANNEL_UNIT = 0.1  # channels move by about this much, so the last layer's outputs are of order one
JAW, CLOSE = SOLO.index("jawOpen"), SOLO.index("mouthClose")


def context_s(settings: NetworkSettings) -> float:
    """Seconds on either side that can change a row."""
    listens = encoder if settings.front == "waveform" else mel
    return listens.context_samples(settings) / SAMPLE_RATE


@dataclass(frozen=True)
class Prediction:
    """What the student says of a waveform: channels (B, T, C) over SOLO, seal logits (B, T), phone logits (B, T, P)."""

    channels: Tensor
    seal: Tensor
    phones: Tensor


class Mouth(nn.Module):
    """Hidden tokens (..., T, W) to slots: channels (..., 2 T, C) over SOLO, the lips' seal as a logit (..., 2 T, 1)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.channels = nn.Linear(width, TOKEN_SLOTS * len(SOLO))
        self.seal = nn.Linear(width, TOKEN_SLOTS)
        nn.init.constant_(self.seal.bias, -2.0)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        return CHANNEL_UNIT * _slots(self.channels(hidden)), _slots(self.seal(hidden))


class FaceNetwork(nn.Module):
    """Waveform (B, N), N a multiple of STEP_SAMPLES, to a Prediction of N / 320 rows."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        width, hears_streams = settings.width, settings.front == "waveform"
        self.encoder = encoder.SpeechEncoder(settings) if hears_streams else mel.MelEncoder(settings)
        self.mouth = Mouth(width)
        self.live_mouth = Mouth(width) if hears_streams else None
        self.phones = nn.Linear(width, TOKEN_SLOTS * len(INVENTORY))

    def forward(self, waveform: Tensor, live: bool = False) -> Prediction:
        """live: look no further ahead than a live stream may (encoder.LOOK_AHEAD_MS)."""
        hidden = self.encoder(waveform, live)
        mouth = self.live_mouth if live and self.live_mouth else self.mouth
        channels, seal = (self.encoder.smooth_rows(slots, live) for slots in mouth(hidden))
        seal = seal[..., 0]
        phones = self.encoder.plain_rows(_slots(self.phones(hidden)), live)
        # mouthClose is relative to jawOpen: the student says how far the lips are sealed over whatever the jaw does.
        closed = seal.sigmoid() * channels[..., JAW].clamp(min=0)
        channels = cat([channels[..., :CLOSE], closed[..., None], channels[..., CLOSE + 1 :]], dim=2)
        return Prediction(channels, seal, phones)


@torch.inference_mode()
def hear(network: FaceNetwork, samples: npt.NDArray[np.float32]) -> Prediction:
    """What a finished student says of a whole recording, 16 kHz samples (N,): a batch of one, of ceil(N / 320) rows.

    It listens where its weights are, and what it says lies there.
    """
    waveform = torch.zeros(1, -(-len(samples) // STEP_SAMPLES) * STEP_SAMPLES)
    waveform[0, : len(samples)] = torch.from_numpy(samples)
    rows = -(-len(samples) // ROW_SAMPLES)
    said = network(waveform.to(network.phones.weight.device))
    return Prediction(said.channels[:, :rows], said.seal[:, :rows], said.phones[:, :rows])


def _slots(values: Tensor) -> Tensor:
    """(..., T, 2 C) of tokens to (..., 2 T, C) of their slots."""
    return values.unflatten(-1, (TOKEN_SLOTS, -1)).flatten(-3, -2)
