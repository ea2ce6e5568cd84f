"""Data parallel training: every rank has its own worlds and seeds, all have the same weights.

``torchrun --nproc_per_node 2 -m ...`` starts the ranks and tells each its number by the environment. Before every step
of the optimiser the ranks' gradients are averaged: two ranks with half a batch each take the step that one would with
the whole. Without torchrun there is one rank, and nothing is sent.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn

from gcb6206.infrastructure.logger import NullLogger

LONGEST_WAIT = datetime.timedelta(minutes=30)  # for a rank that evaluates while the others wait


@dataclass(frozen=True)
class Ranks:
    """The ranks of a training, seen from one of them."""

    rank: int = 0
    """This one's number."""
    size: int = 1
    """How many there are."""

    @classmethod
    def join(cls, device: torch.device) -> Ranks:
        """The ranks that torchrun started, or the only one.

        Args:
            device: gloo connects CPUs, nccl GPUs.
        """
        if int(os.environ.get("WORLD_SIZE", 1)) == 1:
            return cls()
        if not dist.is_initialized():
            backend = "nccl" if device.type == "cuda" else "gloo"
            dist.init_process_group(backend, timeout=LONGEST_WAIT)
        return cls(dist.get_rank(), dist.get_world_size())

    @staticmethod
    def device(name: str) -> str:
        """The device of this rank: for ``cuda`` the GPU with its number on this machine."""
        return f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if name == "cuda" else name

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """The mean over the ranks, each with equal weight."""
        if self.size == 1:
            return value
        value = value.detach().clone()
        dist.all_reduce(value)
        return value / self.size

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every rank the mean of all ranks' gradients, sent in one piece."""
        if self.size == 1:
            return
        grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([grad.flatten() for grad in grads])
        dist.all_reduce(flat)
        flat /= self.size
        for grad, part in zip(grads, flat.split([grad.numel() for grad in grads])):
            grad.copy_(part.view_as(grad))

    def same_weights(self, module: nn.Module) -> None:
        """Give every rank the first one's weights."""
        if self.size > 1:
            for tensor in module.state_dict().values():
                dist.broadcast(tensor, src=0)

    def leave(self) -> None:
        """Part from the others."""
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()


class FollowerLogger(NullLogger):
    """What ranks other than the first log to: nothing; they read the run's checkpoint there.

    Args:
        log_dir: the run's directory.
    """

    def __init__(self, log_dir):
        self.log_dir = log_dir

    def forget_from(self, step: int) -> None:
        """The first rank does."""
