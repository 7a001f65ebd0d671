"""Contrast: what a class of phones must show stands out from what the mouth does in all the others.

Curves alone teach the average of what may be meant, and an average gesture looks like no gesture. So of every row in
which the phones ask for a class (targets.py), its visible signal is to lie above that signal in each row of the same
crop where they do not, and above the highest of them most of all: the N-pair loss (Sohn, Improved Deep Metric Learning
with Multi-class N-pair Loss Objective, 2016).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from . import score
from .articulation import RATE
from .phones import INVENTORY
from .targets import CLASSES, GUARD_S, PAUSE_S, SILENCE

STEEP = 2.0  # logits for every standard deviation of a signal
GUARD_ROWS = int(GUARD_S * RATE)
PAUSE_ROWS = round(PAUSE_S * RATE)
FAR_BELOW = -1e4  # where no counter-example is


class Contrast(torch.nn.Module):
    """How little the classes stand out, from signals and the phones of their rows; buffers are tables (K, P)."""

    shares: Tensor
    counters: Tensor
    signs: Tensor
    weights: Tensor

    def __init__(self) -> None:
        super().__init__()
        kinds = CLASSES.values()
        shares = [[kind.targets.get(phone, 0.0) for phone in INVENTORY] for kind in kinds]
        counters = [[phone not in kind.spared for phone in INVENTORY] for kind in kinds]
        self.register_buffer("shares", torch.tensor(shares))
        self.register_buffer("counters", torch.tensor(counters))
        self.register_buffer("signs", torch.tensor([kind.sign for kind in kinds]))
        self.register_buffer("weights", torch.tensor([kind.weight for kind in kinds]))
        self._signals = [list(score.SIGNALS).index(kind.signal) for kind in kinds]

    def forward(self, signals: Tensor, phones: Tensor) -> Tensor:
        """Signals (B, T, S) in standard deviations, over score.SIGNALS, and phones (B, T), to a scalar."""
        wanted, counters = self.examples(phones)
        shown = STEEP * self.signs * signals[..., self._signals]
        highest = shown.masked_fill(~counters, FAR_BELOW).logsumexp(dim=1, keepdim=True)
        lost = (functional.softplus(highest - shown) * wanted).sum(dim=(0, 1)) / wanted.sum(dim=(0, 1)).clamp(min=1)
        return (self.weights * lost).sum()

    def examples(self, phones: Tensor) -> tuple[Tensor, Tensor]:
        """Which rows (B, T, K) show a class and which must not: targets.frames, from rows, which know no bursts."""
        passed, length = runs(phones)
        share = self.shares.T[phones]
        wanted = (passed / length)[..., None] < share - 1e-6
        pause = (phones == INVENTORY.index("sil")) & (length >= PAUSE_ROWS)
        within = pause & (passed >= GUARD_ROWS) & (passed < length - GUARD_ROWS)
        silence = list(CLASSES).index(SILENCE)
        wanted[..., silence] = within
        near = widened(wanted | pause[..., None])
        return wanted, self.counters.T[phones] & ~near


def runs(phones: Tensor) -> tuple[Tensor, Tensor]:
    """How many rows of the same phone came before each row, and how many its run has; (B, T) both."""
    count = phones.shape[1]
    at = torch.arange(count, device=phones.device).expand_as(phones)
    begins = functional.pad(phones[:, 1:] != phones[:, :-1], (1, 0), value=True)
    first = at.where(begins, 0).cummax(dim=1).values
    ends = functional.pad(begins[:, 1:], (0, 1), value=True)
    last = at.where(ends, count).flip(1).cummin(dim=1).values.flip(1)
    return at - first, last - first + 1


def widened(rows: Tensor) -> Tensor:
    """Rows (B, T, K) and their neighbours within GUARD_ROWS."""
    spread = functional.max_pool1d(rows.float().transpose(1, 2), 2 * GUARD_ROWS + 1, stride=1, padding=GUARD_ROWS)
    return spread.transpose(1, 2) > 0
