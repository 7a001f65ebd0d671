"""The network written as onnxruntime runs it fastest on a processor; training and PyTorch never see this form.

The numbers stay what they were but for rounding, which the export checks. What is written otherwise:

- Layer normalisation from elementary operations: onnxruntime's own walks a row number by number, six times as slow. Its
  gain is taken on by the product that follows.
- Queries and keys turned before the blocks are laid side by side, not each key three times after it, by one operator.
  Tokens are gathered into their three blocks in one go, and what lies too far is barred by adding.
- The front's gain and shift taken on by the product that follows, and three outputs of that product's two whole taps
  from four smaller products instead of six: F(3, 2) of Winograd (Arithmetic Complexity of Computations, 1980).
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import ROTARY_BASE, Layer, RotaryAttention
from .front import Front

BARRED = -1e4  # added to a score that is not to count


def fast(network: nn.Module) -> nn.Module:
    """A copy of the network whose parts that have a faster form have taken it; only an export can run it."""
    quick = copy.deepcopy(network)
    for module in list(quick.modules()):
        if isinstance(module, Layer) and isinstance(module.attention, RotaryAttention):
            module.before_attention = _passing_on(module.before_attention, module.attention.project)
            module.before_mlp = _passing_on(module.before_mlp, module.widen)
        for name, child in module.named_children():
            if isinstance(child, nn.LayerNorm):
                setattr(module, name, PlainNorm(child))
            elif isinstance(child, RotaryAttention):
                setattr(module, name, TurnedFirst(child))
            elif isinstance(child, Front):
                setattr(module, name, FewerProducts(child))
    return quick


class PlainNorm(nn.Module):
    """Layer normalisation over the last axis."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        own = dict(norm.named_parameters())
        self.weight, self.bias, self.floor = own.get("weight"), own.get("bias"), norm.eps

    def forward(self, x: Tensor) -> Tensor:
        """As nn.LayerNorm.forward."""
        x = x - x.mean(dim=-1, keepdim=True)
        x = x * ((x * x).mean(dim=-1, keepdim=True) + self.floor).rsqrt()
        x = x if self.weight is None else x * self.weight
        return x if self.bias is None else x + self.bias


def _passing_on(norm: nn.LayerNorm, product: nn.Linear) -> nn.LayerNorm:
    """The norm without its gain, which the product that follows has from now on."""
    with torch.no_grad():
        product.weight *= norm.weight
    return nn.LayerNorm(norm.normalized_shape, norm.eps, elementwise_affine=False)


class TurnedFirst(nn.Module):
    """Local attention whose queries and keys are turned by their place in the window: only distances count."""

    reach: Tensor
    speed: Tensor

    def __init__(self, attention: RotaryAttention) -> None:
        super().__init__()
        self.block, self.heads, self.turned = attention.block, attention.heads, attention.turned
        self.project, self.merge = attention.project, attention.merge
        self.register_buffer("reach", attention.reach, persistent=False)
        speed = ROTARY_BASE ** (-torch.arange(self.turned, dtype=torch.float64) / self.turned)
        self.register_buffer("speed", speed, persistent=False)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """As RotaryAttention.forward of a file's tokens."""
        queries, keys, values = self.project(x).chunk(3, dim=2)
        q = self._blocks(self._turned(queries))
        k, v = _near(self._blocks(self._turned(keys))), _near(self._blocks(values))
        allowed = (self.reach.abs() <= self.block) & inside[:, None, :]  # (K, block, 3 block)
        scores = (q * (q.shape[-1] ** -0.5)) @ k.transpose(-2, -1) + torch.where(allowed, 0.0, BARRED)
        mixed = scores.softmax(dim=-1) @ v  # (B, H, K, block, D)
        merged: Tensor = self.merge(mixed.flatten(2, 3).transpose(1, 2).flatten(2))
        return merged

    def _turned(self, x: Tensor) -> Tensor:
        """(B, T, W) turned; angles are taken from whole turns in float64, for places that lie far in."""
        place = torch.arange(x.shape[1])
        turns = place.double()[:, None] * (self.speed / (2 * math.pi))
        angle = (2 * math.pi * (turns - turns.floor())).float()  # (T, pairs)
        return torch.onnx.ops.symbolic(
            "com.microsoft::RotaryEmbedding",
            [x, place[None].expand(x.shape[0], -1), angle.cos(), angle.sin()],
            {"num_heads": self.heads, "rotary_embedding_dim": 2 * self.turned, "interleaved": 0},
            dtype=x.dtype,
            shape=x.shape,
            version=1,
        )

    def _blocks(self, x: Tensor) -> Tensor:
        """(B, T, W) to (B, H, K, block, D)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2).unflatten(2, (-1, self.block))


def _near(x: Tensor) -> Tensor:
    """Blocks (B, H, K, S, D), each with the one before and the one after it: (B, H, K, 3 S, D).

    Beyond either end the last one stands again, for attention to bar.
    """
    count = x.shape[2]
    places = (torch.arange(count)[:, None] + torch.arange(-1, 2)).clamp(0, count - 1)
    return x.index_select(2, places.flatten()).unflatten(2, (-1, 3)).flatten(3, 4)


class FewerProducts(Front):
    """The front with gain and shift inside the second product, and less to multiply in that."""

    def __init__(self, front: Front) -> None:
        nn.Module.__init__(self)
        self.first, self.second, self.spread, self.third = front.first, front.second, front.spread, front.third
        taps = _linears(self.second)
        frames = [tap.in_features // len(front.gain) for tap in taps]  # that a tap reads
        with torch.no_grad():
            heard = [tap.weight @ front.shift.repeat(count) for tap, count in zip(taps, frames, strict=True)]
            constant = torch.stack(heard).sum(dim=0)
            if isinstance(self.spread, nn.Linear):
                self.spread.bias.add_(self.spread.weight @ constant)
            else:
                taps[-1].bias.add_(constant)
            for tap, count in zip(taps, frames, strict=True):
                tap.weight *= front.gain.repeat(count)

    def heard(self, x: Tensor) -> Tensor:
        """As Front.heard."""
        count = x.shape[1] // 3 - 2  # 2 T + 1
        threes = functional.pad(x, (0, 0, 0, 3 * (-count % 3))).unflatten(1, (-1, 3)).flatten(2)
        whole, other, part = _linears(self.second)
        product: Tensor = _two_taps(threes, whole.weight, other.weight)[:, :count] + part(x[:, 6::3])
        return product


def _linears(modules: nn.ModuleList) -> list[nn.Linear]:
    return [module for module in modules if isinstance(module, nn.Linear)]


def _two_taps(x: Tensor, one: Tensor, two: Tensor) -> Tensor:
    """one @ x[t] + two @ x[t + 1] for every t but the last two of (B, 3 G + 2, I): (B, 3 G, O)."""
    x0, x1, x2, x3 = x[:, 0:-2:3], x[:, 1:-1:3], x[:, 2::3], x[:, 3:-1:3]
    first, last = functional.linear(x0 - x2, one), functional.linear(x3 - x1, two)
    total = functional.linear(x1 + x2, (one + two) / 2)
    apart = functional.linear(x2 - x1, (one - two) / 2)
    middle = total + apart  # two @ x1 + one @ x2
    return torch.stack([first + middle, total - apart, middle + last], dim=2).flatten(1, 2)
