"""The base model's ear: a speech encoder on the waveform itself, shaped so that a published one can be its beginning.

Three strided convolutions make a token of every 24 ms (`front.py`), then transformer layers with rotary positions look
at what lies within `attention_tokens` on either side (`attention.py`). Shapes, norms and activations are those of
Moonshine tiny's encoder (Jeffries et al. 2024, arXiv 2410.15608), whose weights a training may start from
(`moonshine.py`). Two things differ, so that a window with enough context gives exactly what the whole file would:
attention is local, and level is normalised around each moment where Moonshine takes the whole recording.

The same weights hear a file and a live stream, of which tokens look back, and only RIGHT_TOKENS ahead. Its rows are
mixed, in shares that are learnt, from the newest tokens. Training draws between file and stream.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.audio import RATE as SAMPLE_RATE

from .attention import Layer, RotaryAttention, grouped, through
from .config import NetworkSettings
from .front import (
    BEFORE_SAMPLES,
    EXTRA_TAPS,
    LEVEL_TOKENS,
    READ_SAMPLES,
    TAP_SAMPLES,
    TOKEN_SAMPLES,
    Front,
)

BLOCK_TOKENS = 5  # 120 ms: five tokens are six rows
BLOCK_ROWS = 6
STEP_SAMPLES = BLOCK_TOKENS * TOKEN_SAMPLES  # 1920
ROW_MS, SLOT_MS = 20.0, 12.0  # a token fills two slots
REACH_SLOTS = 5  # how many slots outside its block a row is mixed from
BELL_MS, LINE_MS = 20.0, 8.0  # deviations of the bells that rows are mixed under: smoothly, or from the nearest slots
LOOK_AHEAD_MS = 80.0  # a live stream's: so much sound after a row has come in when the row goes out
VIEW_TOKENS = 5  # the newest, which a stream's row is mixed from
EASING = (0.7, 0.2, 0.1)  # shares of a stream's row and of the two before it: each is a guess of its own, and trembles
# The newest token, counted from its block's first, whose reading is over LOOK_AHEAD_MS after each row of a block.
ROW_TOKENS = tuple(
    int(row * ROW_MS + LOOK_AHEAD_MS - (READ_SAMPLES - BEFORE_SAMPLES) * 1000 / SAMPLE_RATE) // int(2 * SLOT_MS)
    for row in range(BLOCK_ROWS)
)


def context_samples(settings: NetworkSettings) -> int:
    """Samples on either side that can change a row: attention, the window of the level, a token's own, and the bell."""
    tokens = settings.layers * settings.attention_tokens + LEVEL_TOKENS + BLOCK_TOKENS
    return tokens * TOKEN_SAMPLES + BEFORE_SAMPLES + EXTRA_TAPS * TAP_SAMPLES


class SpeechEncoder(nn.Module):
    """Waveform (B, N), N a multiple of 1920, to hidden tokens, and slots of them to rows.

    Of a file, tokens are (B, N / 384, W). Of a stream, that begins and ends with a block of silence, (B, T, 3, W): each
    heard for good, and with it the two to its right.
    """

    bell: Tensor
    line: Tensor
    live_line: Tensor

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.block = settings.attention_tokens
        self.front = Front(settings.width, settings.front_rank)
        self.layers = nn.ModuleList(
            Layer(settings, RotaryAttention(settings), bias=False) for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(settings.width, bias=False)
        self.register_buffer("bell", _shares(_apart_ms(), BELL_MS), persistent=False)
        self.register_buffer("line", _shares(_apart_ms(), LINE_MS), persistent=False)
        self.register_buffer("live_line", _shares(_live_apart_ms(), LINE_MS), persistent=False)
        self.live_mixing = nn.Parameter(live_bell())

    def forward(self, waveform: Tensor, live: bool = False) -> Tensor:
        if live:
            x = grouped(self.front(functional.pad(waveform, (STEP_SAMPLES, STEP_SAMPLES)), live))
        else:
            x = self.front(waveform, live)
        hidden: Tensor = self.norm(through(self.layers, x, self.block))
        return hidden

    def smooth_rows(self, slots: Tensor, live: bool = False) -> Tensor:
        """Slots (B, 2 T, C) of 12 ms to rows of 20 ms under a bell: a mouth does not tremble at 25 Hz.

        A stream's slots are (B, T, 6, C), two of each token; its rows are mixed in shares that are learnt, and eased.
        """
        return _eased(_live_mixed(slots, self.live_mixing)) if live else _mixed(slots, self.bell)

    def plain_rows(self, slots: Tensor, live: bool = False) -> Tensor:
        """Slots, as smooth_rows takes them, to rows of 20 ms, each from its nearest."""
        return _live_mixed(slots, self.live_line) if live else _mixed(slots, self.line)


def viewed(slots: Tensor) -> Tensor:
    """Slots of groups (..., T + 2, 6, C) to those of the five newest tokens, at each but two: (..., T, 10, C)."""
    settled = slots[..., :2, :]
    return torch.cat([settled[..., :-2, :, :], settled[..., 1:-1, :, :], slots[..., 2:, :, :]], dim=-2)


def _apart_ms() -> Tensor:
    """(6, 20): how long after a row each of its block's ten slots, and of five on either side, has its middle."""
    slots = (torch.arange(2 * BLOCK_TOKENS + 2 * REACH_SLOTS) - REACH_SLOTS + 0.5) * SLOT_MS
    return slots - torch.arange(BLOCK_ROWS)[:, None] * ROW_MS


def _live_apart_ms() -> Tensor:
    """(6, 10): how long after a row of a stream each slot of the tokens that it is mixed from has its middle."""
    first = 2 * (torch.tensor(ROW_TOKENS) - VIEW_TOKENS + 1)
    slots = (first[:, None] + torch.arange(2 * VIEW_TOKENS) + 0.5) * SLOT_MS
    return slots - torch.arange(BLOCK_ROWS)[:, None] * ROW_MS


def _shares(apart_ms: Tensor, deviation_ms: float) -> Tensor:
    """How rows are mixed from slots that far from them: bells, cut off where a block reaches no further."""
    share = torch.exp(-0.5 * (apart_ms / deviation_ms) ** 2) * (apart_ms.abs() <= REACH_SLOTS * SLOT_MS + 1e-3)
    return share / share.sum(dim=1, keepdim=True)


def live_bell() -> Tensor:
    """(6, 10): the bell over the slots that a live stream knows in time, where its mixing begins to learn."""
    return _shares(_live_apart_ms(), BELL_MS)


def _mixed(slots: Tensor, mixing: Tensor) -> Tensor:
    padded = torch.cat([slots[:, :1]] * REACH_SLOTS + [slots] + [slots[:, -1:]] * REACH_SLOTS, dim=1)
    fives = padded.unflatten(1, (-1, REACH_SLOTS))  # (B, 2 K + 2, 5, C)
    near = torch.cat([fives[:, 0:-3:2], fives[:, 1:-2:2], fives[:, 2:-1:2], fives[:, 3::2]], dim=2)  # (B, K, 20, C)
    return (mixing @ near).flatten(1, 2)


def _live_mixed(slots: Tensor, mixing: Tensor) -> Tensor:
    """Slots of groups (B, 5 K + 8, 6, C), a block of silence on either side of K, to rows (B, 6 K, C)."""
    views = viewed(slots)  # the first is of the silent block's fifth token and those before it
    blocks = (views.shape[1] - 1) // BLOCK_TOKENS
    rows = [views[:, 1 + token :: BLOCK_TOKENS][:, : blocks - 1] for token in ROW_TOKENS]
    return torch.einsum("bkrsc,rs->bkrc", torch.stack(rows, dim=2), mixing).flatten(1, 2)


def _eased(rows: Tensor) -> Tensor:
    """Rows (B, T, C), each with some of those before it; before the first, the first is held."""
    before = len(EASING) - 1
    padded = torch.cat([rows[:, :1]] * before + [rows], dim=1)
    count = rows.shape[1]
    parts = [share * padded[:, before - back : before - back + count] for back, share in enumerate(EASING)]
    return torch.stack(parts).sum(dim=0)
