"""The processes of one training: torchrun starts one for each GPU, or several on a CPU; without it there is one.

    torchrun --nproc-per-node 4 -m model_training.train --config ... --shard ... --out ...

All take the same steps with the same weights, on batches of their own. What befalls one of them stops all, and only the
first of them writes and speaks.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from addon.core.errors import FacewrightError

from .command import refused

T = TypeVar("T")


class TrainingError(FacewrightError):
    """A training that cannot go on; the last good checkpoint is kept."""


class ToldElsewhere(Exception):
    """What stopped the training is told by the first process; this one ends without a word."""


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this one is, and where it computes."""

    device: torch.device
    number: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the run folder and speaks."""
        return self.number == 0

    def agree(self, trouble: str | None = None) -> None:
        """Go on if all processes can; what has befallen any of them is raised on all."""
        said: list[str | None] = [trouble]
        if self.count > 1:
            troubled = torch.tensor(float(trouble is not None))
            dist.all_reduce(troubled)
            if troubled:
                said = [None] * self.count
                dist.all_gather_object(said, trouble)
        first = next((one for one in said if one is not None), None)
        if first is not None:
            raise TrainingError(first) if self.leads else ToldElsewhere(first)

    def together(self, work: Callable[[], T]) -> T:
        """What the work gives, if it can be done on all processes."""
        try:
            result = work()
        except FacewrightError as error:
            self.agree(str(error))
            raise  # never reached: agree has raised
        except OSError as error:
            self.agree(refused(error))
            raise
        self.agree()
        return result

    def first(self, work: Callable[..., object], *given: object) -> None:
        """Do the work on the first process alone; if it cannot be done there, all stop."""
        self.together(lambda: work(*given) if self.leads else None)

    def means(self, losses: Mapping[str, torch.Tensor]) -> dict[str, float]:
        """Each loss's mean over all processes."""
        values = torch.stack(list(losses.values())).detach().float().cpu()
        if self.count > 1:
            dist.all_reduce(values)
        return dict(zip(losses, (values / self.count).tolist(), strict=True))

    def shared(self, network: nn.Module) -> nn.Module:
        """The network, whose gradients are the mean of all processes' from now on; not every batch needs all of it."""
        if self.count == 1:
            return network
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(
            network, device_ids=devices, forward_sync_buffers=False, find_unused_parameters=True
        )

    def average(self, network: nn.Module) -> None:
        """Make the gradients of a network that is not shared the mean of all processes'."""
        for parameter in network.parameters():
            if self.count > 1 and parameter.grad is not None:
                dist.all_reduce(parameter.grad)
                parameter.grad /= self.count

    def apart(self, model: nn.Module) -> contextlib.AbstractContextManager[None]:
        """Within it gradients stay this process's own: more are to come before the step."""
        return model.no_sync() if isinstance(model, DistributedDataParallel) else contextlib.nullcontext()


def alone() -> Ranks:
    """The only process, on the first GPU where there is one."""
    return Ranks(torch.device("cuda" if torch.cuda.is_available() else "cpu"))


@contextlib.contextmanager
def joined() -> Iterator[Ranks]:
    """This process among those that torchrun has started, or alone where it was not torchrun."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield alone()
        return
    number, place = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    gpus = torch.cuda.device_count()
    if 0 < gpus <= place:
        raise TrainingError(f"this machine has {gpus} GPUs: give torchrun --nproc-per-node {gpus}, or fewer")
    device = torch.device("cuda", place) if gpus else torch.device("cpu")
    if gpus:
        torch.cuda.set_device(device)
    # What processes tell each other travels over gloo, gradients on GPUs over nccl, which Windows has not.
    dist.init_process_group("cpu:gloo,cuda:nccl" if gpus and dist.is_nccl_available() else "gloo")
    try:
        yield Ranks(device, number, count)
    except KeyboardInterrupt:  # which reaches all of them
        if number:
            raise ToldElsewhere("stopped") from None
        raise
    finally:
        dist.destroy_process_group()
