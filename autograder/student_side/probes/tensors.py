"""What the probes of functions on tensors share: leaves, gradients, side effects, stand-ins for other exercises."""

from __future__ import annotations

import contextlib
import inspect
import random
import zlib
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np
import torch

from autograder.student_side.probes import kind, plain
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


def number_of(value: object) -> object:
    """A number, whether Python's, numpy's or a tensor of one; anything else as `plain` says it."""
    value = plain(value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return float(value) if is_number else value


def pair_of(result: object) -> dict:
    """What an advantage estimator returned: advantages and returns, where it is a pair."""
    is_pair = isinstance(result, (tuple, list)) and len(result) == 2
    advantages, returns = result if is_pair else (None, None)
    size = f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
    return {
        "returned": f"{kind(result)}{size}",
        "is_pair": is_pair,
        "advantages": plain(advantages),
        "returns": plain(returns),
    }


def seed_everything(seed: int) -> None:
    """Makes the student's random draws repeatable, whichever library they come from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def world() -> dict[str, object]:
    """What all code of a process shares and a function should leave as it found it, name -> its state."""
    generator, key, *position = np.random.get_state()
    return {
        "torch's random stream": torch.get_rng_state().numpy().tobytes(),
        "numpy's random stream": (generator, key.tobytes(), *position),
        "Python's random stream": random.getstate(),
        "the gradient mode": torch.is_grad_enabled(),
        "torch's default dtype": torch.get_default_dtype(),
    }


def streams() -> dict[str, object]:
    """The random streams of `world`."""
    return {name: state for name, state in world().items() if "stream" in name}


def stream_sums() -> dict[str, int]:
    """A checksum of each random stream's state."""
    return {name: zlib.crc32(repr(state).encode()) for name, state in streams().items()}


@contextlib.contextmanager
def side_effects(given: dict[str, np.ndarray | torch.Tensor]) -> Iterator[list[str]]:
    """Fills a list with the names of what the block changed: given arrays and tensors, and `world`.

    `world` is set back afterwards, so that one function's fault is not found at the next. Within the block the
    random streams are in a state of their own: one that is already what a seed in the block gives would hide it.
    """

    def state() -> dict[str, object]:
        arrays = {
            name: value.detach().numpy() if torch.is_tensor(value) else value for name, value in given.items()
        }
        tensors = {name: value for name, value in given.items() if torch.is_tensor(value)}
        return {
            **world(),
            **{name: (array.tobytes(), array.shape) for name, array in arrays.items()},
            **{f"{name}.requires_grad": tensor.requires_grad for name, tensor in tensors.items()},
        }

    kept = torch.get_rng_state(), np.random.get_state(), random.getstate()
    modes = torch.is_grad_enabled(), torch.get_default_dtype()
    seed_everything(zlib.crc32(repr(streams()).encode()))
    before, found = state(), []
    try:
        yield found
        after = state()  # the dictionary itself may have lost or gained an entry
        found += [name for name in before | after if before.get(name) != after.get(name)]
    finally:
        torch.set_rng_state(kept[0])
        np.random.set_state(kept[1])
        random.setstate(kept[2])
        torch.set_grad_enabled(modes[0])
        torch.set_default_dtype(modes[1])


@contextlib.contextmanager
def stand_ins(caller: str, functions: dict[str, Callable]) -> Iterator[None]:
    """Fills exercises, also where the student's caller uses the notebook's functions by names of its own.

    Args:
        caller: id of the exercise that uses them.
        functions: id -> what fills it.
    """
    # under a decorator the function's own globals, not those of the decorator's module
    namespace = getattr(inspect.unwrap(exercises.get(caller).implementation), "__globals__", {})
    names = {name.partition(".")[2]: function for name, function in functions.items()}
    replaced = {name: function for name, function in names.items() if name in namespace}
    for name, function in functions.items():
        own = exercises.get(name).implementation
        replaced.update(
            {alias: function for alias, value in namespace.items() if own is not None and value is own}
        )
    with exercises.filled(functions), mock.patch.dict(namespace, replaced):
        yield
