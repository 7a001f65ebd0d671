"""What the student is corrected for: channels, their motion, visible articulation, sealed lips, and the phone."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from . import score
from .articulation import CLOSURES, LIP_TO_TEETH, SOLO
from .config import LossSettings
from .contrast import Contrast
from .critic import Opponent
from .dataset import Batch
from .network import CLOSE, JAW, Prediction
from .phones import INVENTORY

SIGNALS = tuple(score.SIGNALS.values())  # the mouth as a viewer reads it, linear in the channels


class Criterion(torch.nn.Module):
    """The weighted sum of all losses; channels and signals are measured in their own standard deviations."""

    scale: Tensor
    signals: Tensor
    signal_scale: Tensor
    heavy: Tensor

    def __init__(self, settings: LossSettings, targets: Tensor) -> None:
        """targets (R, C): a sample of the corpus, from which the deviations are taken."""
        super().__init__()
        self.settings = settings
        signals = torch.tensor([[signal.get(name, 0.0) for signal in SIGNALS] for name in SOLO])
        heavy = torch.tensor([1.0 * (name in CLOSURES or name in LIP_TO_TEETH) for name in INVENTORY])
        self.register_buffer("scale", 1 / targets.std(dim=0).clamp(min=0.02))
        self.register_buffer("signals", signals)
        self.register_buffer("signal_scale", 1 / (targets @ signals).std(dim=0).clamp(min=0.02))
        self.register_buffer("heavy", heavy)
        self.contrast = Contrast()

    def forward(self, predicted: Prediction, batch: Batch, critic: Opponent | None = None) -> dict[str, Tensor]:
        """Every loss by name, scalars, and their weighted sum under "total"; a critic's own lies apart, "mistaken"."""
        settings, apart = self.settings, {}
        weight = 1 + (settings.closure_rows - 1) * self.heavy[batch.phones]
        error = predicted.channels - batch.targets
        sealed = batch.targets[..., CLOSE] / batch.targets[..., JAW].clamp(min=1e-3)
        seal = functional.binary_cross_entropy_with_logits(predicted.seal, sealed.clamp(0, 1), reduction="none")
        phones = functional.cross_entropy(predicted.phones.transpose(1, 2), batch.phones, reduction="none")
        losses = {
            "channels": _mean(_bowl(error * self.scale).mean(dim=2), weight),
            "signals": _mean(_bowl(error @ self.signals * self.signal_scale).mean(dim=2), weight),
            "velocity": _bowl(error.diff(dim=1) * self.scale * 2).mean(),
            "seal": _mean(seal, weight),
            "phones": _mean(phones, weight * (0.2 + 0.8 * batch.inside)),
        }
        if settings.contrast:
            losses["contrast"] = self.contrast(predicted.channels @ self.signals * self.signal_scale, batch.phones)
        if critic:
            losses["critic"], apart["mistaken"] = critic.judge(
                predicted.channels * self.scale, batch.targets * self.scale
            )
        losses["total"] = sum((getattr(settings, name) * loss for name, loss in losses.items()), torch.zeros(()))
        return losses | apart


def _bowl(error: Tensor) -> Tensor:
    """Square near nothing, straight far away: an outlier in the teacher does not pull the student with it."""
    return functional.smooth_l1_loss(error, torch.zeros_like(error), beta=1.0, reduction="none")


def _mean(loss: Tensor, weight: Tensor) -> Tensor:
    return (loss * weight).sum() / weight.sum()
