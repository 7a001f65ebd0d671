"""The base model's ear: a speech encoder on the waveform itself, shaped so that a published one can be its beginning.

Three strided convolutions make a token of every 24 ms, then transformer layers with rotary positions look at what lies
within `attention_tokens` on either side. Shapes, norms and activations are those of Moonshine tiny's encoder (Jeffries
et al. 2024, arXiv 2410.15608), whose weights a training may start from (`moonshine.py`). Two things differ, so that a
window with enough context gives exactly what the whole file would: attention is local, and level is normalised over
LEVEL_TOKENS around each moment where Moonshine takes the whole recording.

The same weights hear a file and a live stream. With `ahead` given, the first layer alone looks at so many tokens to
come and the others at none, the level is taken from what was heard, and rows are mixed, in shares that are learnt, from
the tokens that are there LOOK_AHEAD_MS after them (time-restricted attention, Povey et al. 2018). Training draws
between both.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.audio import RATE as SAMPLE_RATE

from .config import NetworkSettings

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
ROTARY_SHARE = 32 / 36  # of each head's channels
ROTARY_BASE = 10_000.0
BLOCK_TOKENS = 5  # 120 ms: five tokens are six rows
BLOCK_ROWS = 6
STEP_SAMPLES = BLOCK_TOKENS * TOKEN_SAMPLES  # 1920
ROW_MS, SLOT_MS = 20.0, 12.0  # a token fills two slots
REACH_SLOTS = 5  # how many slots outside its block a row is mixed from
BELL_MS = 20.0  # deviation of the bell that rows are mixed under
LOOK_AHEAD_MS = 80.0  # a live stream's: so much sound after a row has come in when the row goes out
LIVE_AHEAD = 1  # tokens that the first layer of a live stream looks ahead: 24 ms, and reading a token takes 40


def context_samples(settings: NetworkSettings) -> int:
    """Samples on either side that can change a row: attention, the window of the level, a token's own, and the bell."""
    tokens = settings.layers * settings.attention_tokens + LEVEL_TOKENS + BLOCK_TOKENS
    return tokens * TOKEN_SAMPLES + BEFORE_SAMPLES + EXTRA_TAPS * TAP_SAMPLES


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


class RotaryAttention(nn.Module):
    """Self-attention within a distance; queries and keys are turned by their place."""

    cosine: Tensor
    sine: Tensor
    reach: Tensor

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.block, self.heads = settings.attention_tokens, settings.heads
        self.project = nn.Linear(settings.width, 3 * settings.width, bias=False)
        self.merge = nn.Linear(settings.width, settings.width, bias=False)
        self.turned = rotary_channels(settings) // 2  # pairs of channels that turn; the others have no place
        speed = ROTARY_BASE ** (-torch.arange(self.turned) / self.turned)
        angle = torch.arange(3 * self.block)[:, None] * speed  # (3 block, pairs)
        self.register_buffer("cosine", angle.cos(), persistent=False)
        self.register_buffer("sine", angle.sin(), persistent=False)
        reach = torch.arange(3 * self.block)[None, :] - self.block - torch.arange(self.block)[:, None]
        self.register_buffer("reach", reach, persistent=False)

    def forward(self, x: Tensor, inside: Tensor, ahead: int | None = None) -> Tensor:
        """x (B, T, W), T a multiple of the block; inside (T / block, 3 block) tells real neighbours from padding.

        ahead: how many tokens to come may be looked at, as many as of the past where None.
        """
        queries, keys, values = self.project(x).chunk(3, dim=2)
        q = self._heads(queries.unflatten(1, (-1, self.block)))
        here = slice(self.block, 2 * self.block)
        q = self.turn(q, self.cosine[here], self.sine[here]) * (q.shape[-1] ** -0.5)
        k, v = self.turn(self._near(keys), self.cosine, self.sine), self._near(values)
        allowed = within(self.reach, self.block, ahead) & inside[:, None, None, :]  # (K, 1, block, 3 block)
        mixed = attend(q, k, v, allowed).transpose(2, 3).flatten(3)  # (B, K, block, W)
        merged: Tensor = self.merge(mixed.flatten(1, 2))
        return merged

    def turn(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """A head's channels lie as first halves of the pairs, second halves, and what does not turn."""
        first, second, rest = x.split([self.turned, self.turned, x.shape[-1] - 2 * self.turned], dim=-1)
        return torch.cat([first * cosine - second * sine, second * cosine + first * sine, rest], dim=-1)

    def _near(self, x: Tensor) -> Tensor:
        """(B, T, W) to (B, K, H, 3 block, D): every block with the one before and the one after it."""
        blocks = functional.pad(x, (0, 0, self.block, self.block)).unflatten(1, (-1, self.block))
        return self._heads(torch.cat([blocks[:, :-2], blocks[:, 1:-1], blocks[:, 2:]], dim=2))

    def _heads(self, x: Tensor) -> Tensor:
        """(B, K, S, W) to (B, K, H, S, D)."""
        return x.unflatten(3, (self.heads, -1)).transpose(2, 3)


def attend(queries: Tensor, keys: Tensor, values: Tensor, allowed: Tensor) -> Tensor:
    """What scaled queries (..., Q, D) find among keys and values (..., S, D) where allowed (..., Q, S): (..., Q, D)."""
    scores = (queries @ keys.transpose(-2, -1)).masked_fill(~allowed, -1e4)
    return scores.softmax(dim=-1) @ values


def within(reach: Tensor, block: int, ahead: int | None) -> Tensor:
    """Which of these distances, in tokens, attention covers: a block to either side, or less to come."""
    return (reach >= -block) & (reach <= (block if ahead is None else ahead))


def rotary_channels(settings: NetworkSettings) -> int:
    """How many of a head's channels turn with their place, an even number."""
    return int(settings.width // settings.heads * ROTARY_SHARE) // 2 * 2


class Layer(nn.Module):
    """One transformer layer, normalised before each half, around the attention that it is given."""

    def __init__(self, settings: NetworkSettings, attention: nn.Module, bias: bool) -> None:
        super().__init__()
        width = settings.width
        self.before_attention, self.before_mlp = nn.LayerNorm(width, bias=bias), nn.LayerNorm(width, bias=bias)
        self.attention = attention
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, x: Tensor, inside: Tensor, ahead: int | None = None) -> Tensor:
        return self.after(x, self.attention(self.before_attention(x), inside, ahead))

    def after(self, x: Tensor, attended: Tensor) -> Tensor:
        """What becomes of x (..., W) once attention has said its part, (..., W) too."""
        x = x + self.dropout(attended)
        hidden = functional.gelu(self.widen(self.before_mlp(x)), approximate="tanh")
        return x + self.dropout(self.narrow(hidden))


def through(layers: nn.ModuleList, x: Tensor, block: int, ahead: int | None = None) -> Tensor:
    """Tokens (B, T, W) through layers that attend in blocks: padded to whole ones, and told what is padding.

    ahead: tokens to come that the first layer may look at, and the others none; all that attention reaches where None.
    """
    count = x.shape[1]
    x = functional.pad(x, (0, 0, 0, (-count) % block))
    place = torch.arange(-block, x.shape[1] + block, device=x.device)
    real = ((place >= 0) & (place < count)).unflatten(0, (-1, block))
    inside = torch.cat([real[:-2], real[1:-1], real[2:]], dim=1)
    for number, layer in enumerate(layers):
        x = layer(x, inside, ahead if number == 0 or ahead is None else 0)
    return x[:, :count]


class SpeechEncoder(nn.Module):
    """Waveform (B, N), N a multiple of 1920, to hidden tokens (B, N / 384, W), and slots of them to rows."""

    bell: Tensor
    in_time: Tensor
    line: Tensor

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.block = settings.attention_tokens
        self.front = Front(settings.width, settings.front_rank)
        self.layers = nn.ModuleList(
            Layer(settings, RotaryAttention(settings), bias=False) for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(settings.width, bias=False)
        self.register_buffer("bell", _mixing(deviation_ms=BELL_MS), persistent=False)
        self.register_buffer("in_time", _in_time(), persistent=False)
        self.live_mixing = nn.Parameter(live_bell())
        self.register_buffer("line", _mixing(deviation_ms=8.0), persistent=False)

    def forward(self, waveform: Tensor, live: bool = False) -> Tensor:
        ahead = LIVE_AHEAD if live else None
        hidden: Tensor = self.norm(through(self.layers, self.front(waveform, live), self.block, ahead))
        return hidden

    def smooth_rows(self, slots: Tensor, live: bool = False) -> Tensor:
        """Slots (B, 2 T, C) of 12 ms to rows of 20 ms under a bell: a mouth does not tremble at 25 Hz."""
        return _mixed(slots, self.mixing(live))

    def mixing(self, live: bool) -> Tensor:
        """(6, 20): how a block's six rows are mixed from its ten slots and five on either side."""
        return self.live_mixing * self.in_time if live else self.bell

    def plain_rows(self, slots: Tensor) -> Tensor:
        """Slots (B, 2 T, C) of 12 ms to rows of 20 ms, each from its nearest."""
        return _mixed(slots, self.line)


def _apart_ms() -> Tensor:
    """(6, 20): how long after a row each of its block's ten slots, and of five on either side, has its middle."""
    slots = (torch.arange(2 * BLOCK_TOKENS + 2 * REACH_SLOTS) - REACH_SLOTS + 0.5) * SLOT_MS
    return slots - torch.arange(BLOCK_ROWS)[:, None] * ROW_MS


def _mixing(deviation_ms: float) -> Tensor:
    """(6, 20): how a block's six rows are mixed from its ten slots and five on either side."""
    apart = _apart_ms()
    share = torch.exp(-0.5 * (apart / deviation_ms) ** 2) * (apart.abs() <= REACH_SLOTS * SLOT_MS + 1e-3)
    return share / share.sum(dim=1, keepdim=True)


def live_bell() -> Tensor:
    """(6, 20): the bell over the slots that a live stream knows in time, where its mixing begins to learn."""
    share = _mixing(deviation_ms=BELL_MS) * _in_time()
    return share / share.sum(dim=1, keepdim=True)


def _in_time() -> Tensor:
    """(6, 20): one for the slots that a live stream knows when a row has to go out, zero for the others."""
    tokens = torch.div(torch.arange(2 * BLOCK_TOKENS + 2 * REACH_SLOTS) - REACH_SLOTS, 2, rounding_mode="floor")
    heard_ms = ((tokens + LIVE_AHEAD) * TOKEN_SAMPLES + READ_SAMPLES - BEFORE_SAMPLES) * 1000 / SAMPLE_RATE
    return (heard_ms <= torch.arange(BLOCK_ROWS)[:, None] * ROW_MS + LOOK_AHEAD_MS).float()


def _mixed(slots: Tensor, mixing: Tensor) -> Tensor:
    padded = torch.cat([slots[:, :1]] * REACH_SLOTS + [slots] + [slots[:, -1:]] * REACH_SLOTS, dim=1)
    fives = padded.unflatten(1, (-1, REACH_SLOTS))  # (B, 2 K + 2, 5, C)
    near = torch.cat([fives[:, 0:-3:2], fives[:, 1:-2:2], fives[:, 2:-1:2], fives[:, 3::2]], dim=2)  # (B, K, 20, C)
    return (mixing @ near).flatten(1, 2)
