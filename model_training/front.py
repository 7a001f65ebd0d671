"""The front of the base model's ear: three strided convolutions that make a token of every 24 ms of the waveform.

Written as matrix products on strided frames. Level is normalised over LEVEL_TOKENS around each moment, or twice as long
before it where a stream is heard.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

TAP_SAMPLES = 64  # hop of the first convolution; a filter reads two of them
FILTER_SAMPLES = 127
TOKEN_TAPS = 6  # frames of the first convolution a token: 24 ms
TOKEN_SAMPLES = TAP_SAMPLES * TOKEN_TAPS  # 384
BEFORE_SAMPLES = 256  # what a token reads before its own 24 ms,
READ_SAMPLES = 895  # and in all
EXTRA_TAPS = 9  # frames past the last token's first that its convolutions read, rounded up to their strides
LEVEL_TOKENS = 50  # 1.2 s on either side, or twice as much before
LEVEL_FRAMES = 2 * LEVEL_TOKENS * TOKEN_TAPS
LEVEL_FLOOR = 1e-5


class Front(nn.Module):
    """Waveform (B, N) to tokens (B, N / 384, W): three convolutions, written as matrix products on strided frames."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.first = nn.Linear(2 * TAP_SAMPLES, width, bias=False)  # filters of 8 ms, every 4 ms
        self.gain, self.shift = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        # Seven frames with stride three are two groups of three and the first of a third group. It is the largest
        # product of all, so it may go through a bottleneck.
        between = rank or 2 * width
        self.second = nn.ModuleList(
            nn.Linear(frames * width, between, bias=frames == 1 and not rank) for frames in (3, 3, 1)
        )
        self.spread = nn.Linear(rank, 2 * width) if rank else nn.Identity()
        # Three frames with stride two: a group of two and the first of the next.
        self.third = nn.ModuleList([nn.Linear(2 * frames * width, width, bias=frames == 1) for frames in (2, 1)])

    def forward(self, waveform: Tensor, live: bool) -> Tensor:
        end = (EXTRA_TAPS + 1) * TAP_SAMPLES - BEFORE_SAMPLES
        x = self.frames(functional.pad(waveform, (BEFORE_SAMPLES, end)))
        return self.tokens(_levelled(x, live))

    def frames(self, sound: Tensor) -> Tensor:
        """What the first filters hear in sound (B, 64 (F + 1)), a frame every 4 ms: (B, F, W), not yet levelled."""
        taps = sound.unflatten(1, (-1, TAP_SAMPLES))
        return torch.tanh(self.first(torch.cat([taps[:, :-1], taps[:, 1:]], dim=2)))

    def tokens(self, x: Tensor) -> Tensor:
        """Levelled frames (B, 6 T + 9, W) to tokens (B, T, W); the last two frames fill a stride and are not heard."""
        x = functional.gelu(self.spread(self.heard(x)), approximate="tanh")
        one, two = self.third
        x = one(x[:, :-1].unflatten(1, (-1, 2)).flatten(2)) + two(x[:, 2::2])
        return functional.gelu(x, approximate="tanh")

    def heard(self, x: Tensor) -> Tensor:
        """The second product, of levelled frames (B, 6 T + 9, W): (B, 2 T + 1, its width)."""
        x = x * self.gain + self.shift
        threes, firsts = x.unflatten(1, (-1, 3)).flatten(2), x[:, 6::3]  # (B, 2 T + 3, 3 W), (B, 2 T + 1, W)
        one, two, three = self.second
        product: Tensor = one(threes[:, :-2]) + two(threes[:, 1:-1]) + three(firsts)
        return product


def _levelled(x: Tensor, live: bool) -> Tensor:
    """Frames (B, T, W) with mean zero and deviation one around each moment, or before it, over all filters together."""
    moments = torch.stack([x.mean(dim=2), (x * x).mean(dim=2), torch.ones_like(x[..., 0])], dim=1)
    after = 0 if live else LEVEL_FRAMES // 2
    sums = functional.pad(moments, (LEVEL_FRAMES - after + 1, after)).cumsum(dim=2)
    mean, square, count = (sums[..., LEVEL_FRAMES + 1 :] - sums[..., : -LEVEL_FRAMES - 1]).unbind(1)
    return level(x, mean / count, square / count)


def level(x: Tensor, mean: Tensor, square: Tensor) -> Tensor:
    """Frames (..., T, W) less their mean (..., T), over the deviation that their mean square (..., T) says."""
    deviation = (square - mean * mean).clamp(min=0) + LEVEL_FLOOR
    return (x - mean[..., None]) * deviation.rsqrt()[..., None]
