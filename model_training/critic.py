"""A critic of motion: it learns to tell the student's curves from the teacher's, and the student learns to be mistaken.

A student that is unsure does half of two things, and lips that may have to meet nearly do: that costs least. Half is
what no teacher ever does, and a critic that sees curves alone, half a second at a time, finds it out. Least-squares
generative adversarial networks (Mao et al., 2017), judged patch by patch. loss.critic of a config says how much the
verdict counts; 0, the default, trains without a critic.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .articulation import SOLO

WIDTH = 64
KERNEL = 5  # rows
RATE = 4e-4  # of the critic's own Adam


class Critic(nn.Module):
    """Curves (B, T, C) over SOLO, in their deviations, to a verdict on every config.CRITIC_ROWS: 1 the teacher's."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(len(SOLO), WIDTH, KERNEL),
            nn.LeakyReLU(0.2),
            nn.Conv1d(WIDTH, WIDTH, KERNEL, stride=2),
            nn.LeakyReLU(0.2),
            nn.Conv1d(WIDTH, WIDTH, KERNEL, stride=2),
            nn.LeakyReLU(0.2),
            nn.Conv1d(WIDTH, 1, 3),
        )

    def forward(self, curves: Tensor) -> Tensor:
        """(B, T, C) to (B, P)."""
        verdicts: Tensor = self.layers(curves.transpose(1, 2))
        return verdicts[:, 0]


class Opponent:
    """A critic and what it learns by."""

    def __init__(self, device: torch.device) -> None:
        self.network = Critic().to(device)
        self._optimiser = torch.optim.Adam(self.network.parameters(), RATE, betas=(0.5, 0.9))

    def judge(self, moved: Tensor, taught: Tensor) -> tuple[Tensor, Tensor]:
        """What being found out costs the student, and what its mistakes cost the critic; curves (B, T, C) of both.

        The gradients of each reach only its own weights.
        """
        as_it_is = {name: weight.detach() for name, weight in self.network.named_parameters()}
        found_out = (1 - functional_call(self.network, as_it_is, moved)).square().mean()
        mistaken = (1 - self.network(taught)).square().mean() + self.network(moved.detach()).square().mean()
        return found_out, mistaken

    def forget(self) -> None:
        """Begin a step: no gradients."""
        self._optimiser.zero_grad(set_to_none=True)

    def gradient(self) -> Tensor:
        """How large the gradients of this step are, a scalar."""
        return nn.utils.get_total_norm([one.grad for one in self.network.parameters() if one.grad is not None])

    def step(self) -> None:
        """Learn from the gradients of this step."""
        self._optimiser.step()

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"network": self.network.state_dict(), "optimiser": self._optimiser.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept."""
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
