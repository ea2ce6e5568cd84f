"""What the probes of functions on tensors share: leaves, their gradients, and stand-ins for other exercises."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np
import torch

from gcb6206 import exercises


def leaf(array: np.ndarray) -> torch.Tensor:
    """A float32 tensor that takes part in the gradient."""
    return torch.tensor(array, dtype=torch.float32, requires_grad=True)


def gradient_of(result: object, *leaves: torch.Tensor) -> list[np.ndarray]:
    """The gradient of a scalar tensor with regard to each leaf; zeros where there is none."""
    slopes = [None] * len(leaves)
    if isinstance(result, torch.Tensor) and result.numel() == 1 and result.requires_grad:
        slopes = torch.autograd.grad(result.sum(), leaves, retain_graph=True, allow_unused=True)
    return [
        (torch.zeros_like(tensor) if slope is None else slope).detach().numpy().copy()
        for tensor, slope in zip(leaves, slopes)
    ]


@contextlib.contextmanager
def stand_ins(caller: str, functions: dict[str, Callable]) -> Iterator[None]:
    """Fills exercises, also where the student's caller uses the notebook's functions by their bare names.

    Args:
        caller: id of the exercise that uses them.
        functions: id -> what fills it.
    """
    namespace = getattr(exercises.get(caller).implementation, "__globals__", {})
    bare = {name.partition(".")[2]: function for name, function in functions.items()}
    with (
        exercises.filled(functions),
        mock.patch.dict(namespace, {name: function for name, function in bare.items() if name in namespace}),
    ):
        yield
