"""The ear of a network that learns from nothing: log-mel frames inside the graph and a transformer over them.

Attention is local: a token sees those within `attention_tokens` on either side, computed in blocks of that length, so
cost is linear in time and windows with enough context give exactly what the whole file would.
"""

from __future__ import annotations

import librosa
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.audio import RATE as SAMPLE_RATE

from .articulation import ROW_SAMPLES
from .attention import Layer, through
from .config import NetworkSettings

TOKEN_ROWS = 2  # one token gives two rows, so the transformer runs at 25 tokens a second
TOKEN_SAMPLES = ROW_SAMPLES * TOKEN_ROWS  # 640
HOP_SAMPLES = 160  # 10 ms between mel frames
FFT_SAMPLES = 400  # 25 ms
MEL_BANDS = 80
MEL_FLOOR = 1e-6
TOKEN_FRAMES = 12  # mel frames that one token reads: its own 40 ms and 40 ms on either side
FRAMES_BEFORE = 5  # of them lie before the token's first instant
FRAME_CHUNKS = 3  # a frame of 400 samples lies inside three hops of 160
BELL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)  # over rows: deviation 20 ms, what the teacher is smoothed by


def context_samples(settings: NetworkSettings) -> int:
    """Samples on either side that can change a row: every layer's attention, a token's frames, and the bell's reach."""
    frames = (TOKEN_FRAMES - FRAMES_BEFORE) * HOP_SAMPLES + FFT_SAMPLES
    tokens = settings.layers * settings.attention_tokens + 1
    return tokens * TOKEN_SAMPLES + frames + len(BELL) // 2 * ROW_SAMPLES


class LogMel(nn.Module):
    """Log-mel bands of librosa's definition (Slaney, centred Hann frames, zeros outside) by two matrix products."""

    basis: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        window = np.hanning(FFT_SAMPLES + 1)[:-1]
        angle = 2 * np.pi * np.outer(np.arange(FFT_SAMPLES), np.arange(FFT_SAMPLES // 2 + 1)) / FFT_SAMPLES
        basis = np.zeros((FRAME_CHUNKS * HOP_SAMPLES, 2 * angle.shape[1]))
        basis[:FFT_SAMPLES] = window[:, None] * np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
        filters = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FFT_SAMPLES, n_mels=MEL_BANDS).T
        self.register_buffer("basis", torch.tensor(basis, dtype=torch.float32), persistent=False)
        self.register_buffer("filters", torch.tensor(filters, dtype=torch.float32), persistent=False)

    def forward(self, waveform: Tensor, before: int = 0, after: int = 0) -> Tensor:
        """(B, N) to (B, N / 160 + before + after, M), frame m centred on sample 160 (m - before)."""
        left = before * HOP_SAMPLES + FFT_SAMPLES // 2
        right = (after + FRAME_CHUNKS - 1) * HOP_SAMPLES - FFT_SAMPLES // 2
        chunks = functional.pad(waveform, (left, right)).unflatten(1, (-1, HOP_SAMPLES))
        frames = torch.cat([chunks[:, :-2], chunks[:, 1:-1], chunks[:, 2:]], dim=2)
        real, imaginary = (frames @ self.basis).chunk(2, dim=2)
        return torch.log((real.square() + imaginary.square()) @ self.filters + MEL_FLOOR)


class LocalAttention(nn.Module):
    """Self-attention within a distance, with a learnt bias for every distance and head."""

    offset: Tensor
    reach: Tensor

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.block, self.heads = settings.attention_tokens, settings.heads
        self.project = nn.Linear(settings.width, 3 * settings.width)
        self.merge = nn.Linear(settings.width, settings.width)
        reach = torch.arange(3 * self.block)[None, :] - self.block - torch.arange(self.block)[:, None]
        self.register_buffer("offset", reach.clamp(-self.block, self.block) + self.block, persistent=False)
        self.register_buffer("reach", reach, persistent=False)
        slopes = torch.logspace(-1, 0.5, settings.heads)  # from looking far to looking near
        distance = torch.arange(-self.block, self.block + 1).abs() / self.block
        self.bias = nn.Parameter(-4 * slopes[:, None] * distance)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """x (B, T, W), T a multiple of the block; inside (T / block, 3 block) tells real neighbours from padding."""
        queries, keys, values = self.project(x).chunk(3, dim=2)
        q = queries.unflatten(1, (-1, self.block)).unflatten(3, (self.heads, -1))  # (B, K, block, H, D)
        k, v = self._neighbours(keys), self._neighbours(values)
        scores = torch.einsum("bkqhd,bkshd->bkhqs", q, k) * (q.shape[-1] ** -0.5)
        allowed = (self.reach.abs() <= self.block) & inside[:, None, None, :]  # (K, 1, block, 3 block)
        scores = (scores + self.bias[:, self.offset]).masked_fill(~allowed, -1e4)
        mixed = torch.einsum("bkhqs,bkshd->bkqhd", scores.softmax(dim=-1), v)
        merged: Tensor = self.merge(mixed.flatten(3).flatten(1, 2))
        return merged

    def _neighbours(self, x: Tensor) -> Tensor:
        """(B, T, W) to (B, K, 3 block, H, D): every block with the one before and the one after it."""
        blocks = functional.pad(x, (0, 0, self.block, self.block)).unflatten(1, (-1, self.block))
        near = torch.cat([blocks[:, :-2], blocks[:, 1:-1], blocks[:, 2:]], dim=2)
        return near.unflatten(3, (self.heads, -1))


class MelEncoder(nn.Module):
    """Waveform (B, N), N a multiple of 640, to hidden tokens (B, N / 640, W), and two slots of each to rows."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        width = settings.width
        self.block = settings.attention_tokens
        self.mel = LogMel()
        self.front = nn.Sequential(
            nn.Linear(TOKEN_FRAMES * MEL_BANDS, 2 * width), nn.GELU(approximate="tanh"), nn.Linear(2 * width, width)
        )
        self.layers = nn.ModuleList(
            Layer(settings, LocalAttention(settings), bias=True) for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, waveform: Tensor, live: bool = False) -> Tensor:
        if live:
            raise ValueError("a log-mel encoder reads files, not live streams")
        hidden: Tensor = self.norm(through(self.layers, self._tokens(waveform), self.block))
        return hidden

    def smooth_rows(self, slots: Tensor, live: bool = False) -> Tensor:  # noqa: ARG002  # it is never live
        """Slots (B, T, C) under a bell: a mouth does not tremble at 25 Hz, so the student cannot learn to."""
        count, reach = slots.shape[1], len(BELL) // 2
        padded = torch.cat([slots[:, :1]] * reach + [slots] + [slots[:, -1:]] * reach, dim=1)
        return torch.stack([share * padded[:, at : at + count] for at, share in enumerate(BELL)]).sum(dim=0)

    def plain_rows(self, slots: Tensor, live: bool = False) -> Tensor:  # noqa: ARG002  # it is never live
        """Slots (B, T, C) are rows already."""
        return slots

    def _tokens(self, waveform: Tensor) -> Tensor:
        """(B, N) to (B, N / 640, W): each token reads twelve mel frames around its 40 ms."""
        mel = self.mel(waveform, before=FRAMES_BEFORE, after=TOKEN_FRAMES - FRAMES_BEFORE - 4)
        mel = (mel + 6.0) / 4.0  # near zero mean and unit spread for speech at usual levels
        groups = mel.unflatten(1, (-1, 4)).flatten(2)  # (B, T + 2, 4 M): 40 ms each
        tokens: Tensor = self.front(torch.cat([groups[:, :-2], groups[:, 1:-1], groups[:, 2:]], dim=2))
        return tokens
