"""Transformer layers that attend locally, in blocks: cost is linear in time, and a window is as good as the whole.

Tokens of a file look at those within `attention_tokens` on either side. A stream's token is heard three times: as the
newest, when one has come after it, and, for good, when two have. Each time it is heard together with those after it, in
every layer, so what came late is understood as deeply as in a file, and nothing that comes later leaks in (the right
context of Emformer, Shi et al. 2021, arXiv 2010.10759).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import NetworkSettings

ROTARY_SHARE = 32 / 36  # of each head's channels,
ROTARY_MOST = 32  # and no more
ROTARY_BASE = 10_000.0
RIGHT_TOKENS = 2  # that have come after a stream's token when it is heard for good


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

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """Tokens of a file (B, T, W) or of a stream, each with those to its right (B, T, 3, W); T fills whole blocks.

        inside (T / block, 3 block) tells real neighbours, in a token's block and those beside it, from padding.
        """
        projected = self.project(x)
        mixed = self._around(projected, inside) if x.ndim == 3 else self._before(projected, inside)
        merged: Tensor = self.merge(mixed)
        return merged

    def _around(self, projected: Tensor, inside: Tensor) -> Tensor:
        """What every token finds among those within a block on either side, (B, T, W)."""
        queries, keys, values = projected.chunk(3, dim=-1)
        q = self._heads(queries.unflatten(1, (-1, self.block)))
        here = slice(self.block, 2 * self.block)
        q = self.turn(q, self.cosine[here], self.sine[here]) * (q.shape[-1] ** -0.5)
        k, v = self.turn(self._near(keys), self.cosine, self.sine), self._near(values)
        allowed = (self.reach.abs() <= self.block) & inside[:, None, None, :]  # (K, 1, block, 3 block)
        return attend(q, k, v, allowed).transpose(2, 3).flatten(3).flatten(1, 2)

    def _before(self, projected: Tensor, inside: Tensor) -> Tensor:
        """What a stream's tokens, and those to their right, find among a block before them and themselves."""
        _, keys, values = projected[:, :, 0].chunk(3, dim=-1)
        past = slice(2 * self.block)
        past_keys, past_values = self._near(keys)[..., past, :], self._near(values)[..., past, :]
        groups = projected.unflatten(1, (-1, self.block))  # (B, K, block, 3, 3 W)
        return self.among(groups, past_keys, past_values, inside[:, None, None, past]).flatten(1, 2)

    def among(self, projected: Tensor, past_keys: Tensor, past_values: Tensor, real: Tensor) -> Tensor:
        """What groups (..., T, 3, 3 W) find in themselves and the past (..., H, block + T, D): (..., T, 3, W).

        The past begins a block before the first group, and holds what every group's first token was for good; real
        (..., 1, 1, block + T) tells it from padding.
        """
        queries, keys, values = projected.chunk(3, dim=-1)
        count, group = queries.shape[-3:-1]
        place = self.block + torch.arange(count, device=queries.device)
        turned = place[:, None] + torch.arange(group, device=queries.device)  # (T, 3)
        q, k, v = (x.unflatten(-1, (self.heads, -1)).movedim(-2, -4) for x in (queries, keys, values))
        q, k = (self.turn(x, self.cosine[turned], self.sine[turned]) for x in (q, k))  # (..., H, T, 3, D)
        then = slice(past_keys.shape[-2])
        past_keys = self.turn(past_keys, self.cosine[then], self.sine[then])
        away = torch.arange(past_keys.shape[-2], device=queries.device) - place[:, None]
        allowed = (away >= -self.block) & (away < 0) & real  # (..., 1, T, block + T)
        q = q * (q.shape[-1] ** -0.5)
        scores = (q.flatten(-3, -2) @ past_keys.transpose(-2, -1)).unflatten(-2, (count, group))
        scores = torch.cat([scores.masked_fill(~allowed[..., None, :], -1e4), q @ k.transpose(-2, -1)], dim=-1)
        before, own = scores.softmax(dim=-1).split([past_keys.shape[-2], group], dim=-1)
        mixed = (before.flatten(-3, -2) @ past_values).unflatten(-2, (count, group)) + own @ v
        return mixed.movedim(-4, -2).flatten(-2)

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


def rotary_channels(settings: NetworkSettings) -> int:
    """How many of a head's channels turn with their place, an even number."""
    return min(int(settings.width // settings.heads * ROTARY_SHARE) // 2 * 2, ROTARY_MOST)


class Layer(nn.Module):
    """One transformer layer, normalised before each half, around the attention that it is given."""

    def __init__(self, settings: NetworkSettings, attention: nn.Module, bias: bool) -> None:
        super().__init__()
        width = settings.width
        self.before_attention, self.before_mlp = nn.LayerNorm(width, bias=bias), nn.LayerNorm(width, bias=bias)
        self.attention = attention
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        return self.after(x, self.attention(self.before_attention(x), inside))

    def after(self, x: Tensor, attended: Tensor) -> Tensor:
        """What becomes of x (..., W) once attention has said its part, (..., W) too."""
        x = x + self.dropout(attended)
        hidden = functional.gelu(self.widen(self.before_mlp(x)), approximate="tanh")
        return x + self.dropout(self.narrow(hidden))


def grouped(tokens: Tensor) -> Tensor:
    """Tokens (..., T + 2, W), each with the two to its right: (..., T, 3, W)."""
    return torch.stack([tokens[..., :-2, :], tokens[..., 1:-1, :], tokens[..., 2:, :]], dim=-2)


def through(layers: nn.ModuleList, x: Tensor, block: int) -> Tensor:
    """Tokens (B, T, ..., W) through layers that attend in blocks: padded to whole ones, and told what is padding."""
    count = x.shape[1]
    x = functional.pad(x, (0, 0) * (x.ndim - 2) + (0, (-count) % block))
    place = torch.arange(-block, x.shape[1] + block, device=x.device)
    real = ((place >= 0) & (place < count)).unflatten(0, (-1, block))
    inside = torch.cat([real[:-2], real[1:-1], real[2:]], dim=1)
    for layer in layers:
        x = layer(x, inside)
    return x[:, :count]
