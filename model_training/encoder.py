"""The base model's ear: a speech encoder on the waveform itself, shaped so that a published one can be its beginning.

Three strided convolutions make a token of every 24 ms, then transformer layers with rotary positions look at what lies
within `attention_tokens` on either side. Shapes, norms and activations are those of Moonshine tiny's encoder (Jeffries
et al. 2024, arXiv 2410.15608), whose weights a training may start from (`moonshine.py`). Two things differ, so that a
window with enough context gives exactly what the whole file would: attention is local, and level is normalised over
LEVEL_TOKENS around each moment where Moonshine takes the whole recording.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import NetworkSettings

TAP_SAMPLES = 64  # hop of the first convolution; a filter reads two of them
FILTER_SAMPLES = 127
TOKEN_TAPS = 6  # frames of the first convolution a token: 24 ms
TOKEN_SAMPLES = TAP_SAMPLES * TOKEN_TAPS  # 384
BEFORE_SAMPLES = 256  # what a token reads before its own 24 ms, and after them: 895 samples in all
EXTRA_TAPS = 9  # frames past the last token's first that its convolutions read, rounded up to their strides
LEVEL_TOKENS = 50  # 1.2 s on either side
LEVEL_FLOOR = 1e-5
ROTARY_SHARE = 32 / 36  # of each head's channels
ROTARY_BASE = 10_000.0
BLOCK_TOKENS = 5  # 120 ms: five tokens are six rows
BLOCK_ROWS = 6
STEP_SAMPLES = BLOCK_TOKENS * TOKEN_SAMPLES  # 1920
ROW_MS, SLOT_MS = 20.0, 12.0  # a token fills two slots
REACH_SLOTS = 5  # how many slots outside its block a row is mixed from


def context_samples(settings: NetworkSettings) -> int:
    """Samples on either side that can change a row: attention, the window of the level, a token's own, and the bell."""
    tokens = settings.layers * settings.attention_tokens + LEVEL_TOKENS + BLOCK_TOKENS
    return tokens * TOKEN_SAMPLES + BEFORE_SAMPLES + EXTRA_TAPS * TAP_SAMPLES


class Front(nn.Module):
    """Waveform (B, N) to tokens (B, N / 384, W): three convolutions, written as matrix products on strided frames."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(2 * TAP_SAMPLES, width, bias=False)  # 4 ms filters
        self.gain, self.shift = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.second = nn.Linear(7 * width, 2 * width)  # seven frames, stride three
        self.third = nn.Linear(3 * 2 * width, width)  # three frames, stride two

    def forward(self, waveform: Tensor) -> Tensor:
        width = self.gain.shape[0]
        end = (EXTRA_TAPS + 1) * TAP_SAMPLES - BEFORE_SAMPLES
        taps = functional.pad(waveform, (BEFORE_SAMPLES, end)).unflatten(1, (-1, TAP_SAMPLES))
        x = torch.tanh(self.first(torch.cat([taps[:, :-1], taps[:, 1:]], dim=2)))  # (B, 6 T + 9, W)
        x = self._levelled(x) * self.gain + self.shift
        threes = x.unflatten(1, (-1, 3)).flatten(2)  # (B, 2 T + 3, 3 W)
        one, two, three = self.second.weight.split([3 * width, 3 * width, width], dim=1)
        x = threes[:, :-2] @ one.T + threes[:, 1:-1] @ two.T + threes[:, 2:, :width] @ three.T
        x = functional.gelu(x + self.second.bias, approximate="tanh")  # (B, 2 T + 1, 2 W)
        one, two = self.third.weight.split([4 * width, 2 * width], dim=1)
        x = x[:, :-1].unflatten(1, (-1, 2)).flatten(2) @ one.T + x[:, 2::2] @ two.T
        return functional.gelu(x + self.third.bias, approximate="tanh")

    @staticmethod
    def _levelled(x: Tensor) -> Tensor:
        """Mean zero and deviation one around each moment, over all filters together."""
        moments = torch.stack([x.mean(dim=2), x.square().mean(dim=2)], dim=1)  # (B, 2, 6 T + 9)
        reach = LEVEL_TOKENS * TOKEN_TAPS
        mean, square = functional.avg_pool1d(moments, 2 * reach + 1, 1, reach, count_include_pad=False).unbind(1)
        deviation = (square - mean.square()).clamp(min=0) + LEVEL_FLOOR
        return (x - mean[..., None]) * deviation.rsqrt()[..., None]


class RotaryAttention(nn.Module):
    """Self-attention within a distance; queries and keys are turned by their place."""

    cosine: Tensor
    sine: Tensor
    reachable: Tensor

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.block, self.heads = settings.attention_tokens, settings.heads
        self.project = nn.Linear(settings.width, 3 * settings.width, bias=False)
        self.merge = nn.Linear(settings.width, settings.width, bias=False)
        self.turned = rotary_channels(settings) // 2  # pairs of channels that turn; the others have no place
        speed = ROTARY_BASE ** (-torch.arange(self.turned) / self.turned)
        angle = torch.arange(3 * self.block)[:, None] * speed  # (3 block, pairs)
        self.register_buffer("cosine", angle.cos()[:, None], persistent=False)
        self.register_buffer("sine", angle.sin()[:, None], persistent=False)
        reach = torch.arange(3 * self.block)[None, :] - self.block - torch.arange(self.block)[:, None]
        self.register_buffer("reachable", reach.abs() <= self.block, persistent=False)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """x (B, T, W), T a multiple of the block; inside (T / block, 3 block) tells real neighbours from padding."""
        queries, keys, values = self.project(x).chunk(3, dim=2)
        q = queries.unflatten(1, (-1, self.block)).unflatten(3, (self.heads, -1))  # (B, K, block, H, D)
        here = slice(self.block, 2 * self.block)
        q = self._turn(q, self.cosine[here], self.sine[here]) * (q.shape[-1] ** -0.5)
        k, v = self._turn(self._neighbours(keys), self.cosine, self.sine), self._neighbours(values)
        scores = torch.einsum("bkqhd,bkshd->bkhqs", q, k)
        allowed = self.reachable & inside[:, None, None, :]  # (K, 1, block, 3 block)
        mixed = torch.einsum("bkhqs,bkshd->bkqhd", scores.masked_fill(~allowed, -1e4).softmax(dim=-1), v)
        merged: Tensor = self.merge(mixed.flatten(3).flatten(1, 2))
        return merged

    def _turn(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """A head's channels lie as first halves of the pairs, second halves, and what does not turn."""
        first, second, rest = x.split([self.turned, self.turned, x.shape[-1] - 2 * self.turned], dim=-1)
        return torch.cat([first * cosine - second * sine, second * cosine + first * sine, rest], dim=-1)

    def _neighbours(self, x: Tensor) -> Tensor:
        """(B, T, W) to (B, K, 3 block, H, D): every block with the one before and the one after it."""
        blocks = functional.pad(x, (0, 0, self.block, self.block)).unflatten(1, (-1, self.block))
        near = torch.cat([blocks[:, :-2], blocks[:, 1:-1], blocks[:, 2:]], dim=2)
        return near.unflatten(3, (self.heads, -1))


def rotary_channels(settings: NetworkSettings) -> int:
    """How many of a head's channels turn with their place, an even number."""
    return int(settings.width // settings.heads * ROTARY_SHARE) // 2 * 2


class EncoderLayer(nn.Module):
    """One transformer layer, normalised before each half."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        width = settings.width
        self.before_attention, self.before_mlp = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.attention = RotaryAttention(settings)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.before_attention(x), inside))
        hidden = functional.gelu(self.widen(self.before_mlp(x)), approximate="tanh")
        return x + self.dropout(self.narrow(hidden))


class SpeechEncoder(nn.Module):
    """Waveform (B, N), N a multiple of 1920, to hidden tokens (B, N / 384, W), and slots of them to rows."""

    bell: Tensor
    line: Tensor

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.block = settings.attention_tokens
        self.front = Front(settings.width)
        self.layers = nn.ModuleList(EncoderLayer(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width, bias=False)
        self.register_buffer("bell", _mixing(deviation_ms=20.0), persistent=False)
        self.register_buffer("line", _mixing(deviation_ms=8.0), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        x = self.front(waveform)
        count = x.shape[1]
        x = functional.pad(x, (0, 0, 0, (-count) % self.block))
        place = torch.arange(-self.block, x.shape[1] + self.block, device=x.device)
        real = ((place >= 0) & (place < count)).unflatten(0, (-1, self.block))
        inside = torch.cat([real[:-2], real[1:-1], real[2:]], dim=1)
        for layer in self.layers:
            x = layer(x, inside)
        hidden: Tensor = self.norm(x[:, :count])
        return hidden

    def smooth_rows(self, slots: Tensor) -> Tensor:
        """Slots (B, 2 T, C) of 12 ms to rows of 20 ms under a bell: a mouth does not tremble at 25 Hz."""
        return _mixed(slots, self.bell)

    def plain_rows(self, slots: Tensor) -> Tensor:
        """Slots (B, 2 T, C) of 12 ms to rows of 20 ms, each from its nearest."""
        return _mixed(slots, self.line)


def _mixing(deviation_ms: float) -> Tensor:
    """(6, 20): how a block's six rows are mixed from its ten slots and five on either side."""
    slots = (torch.arange(2 * BLOCK_TOKENS + 2 * REACH_SLOTS) - REACH_SLOTS + 0.5) * SLOT_MS
    apart = torch.arange(BLOCK_ROWS)[:, None] * ROW_MS - slots
    share = torch.exp(-0.5 * (apart / deviation_ms) ** 2) * (apart.abs() <= REACH_SLOTS * SLOT_MS + 1e-3)
    return share / share.sum(dim=1, keepdim=True)


def _mixed(slots: Tensor, mixing: Tensor) -> Tensor:
    padded = torch.cat([slots[:, :1]] * REACH_SLOTS + [slots] + [slots[:, -1:]] * REACH_SLOTS, dim=1)
    fives = padded.unflatten(1, (-1, REACH_SLOTS))  # (B, 2 K + 2, 5, C)
    near = torch.cat([fives[:, 0:-3:2], fives[:, 1:-2:2], fives[:, 2:-1:2], fives[:, 3::2]], dim=2)  # (B, K, 20, C)
    return (mixing @ near).flatten(1, 2)
