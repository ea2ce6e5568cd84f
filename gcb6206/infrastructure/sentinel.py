"""The sentinel: stops a training at the first number that is none, and says where it stood."""

from __future__ import annotations

import torch

from gcb6206.exercises import exercise


class NonFiniteError(ArithmeticError):
    """A tensor holds NaN or infinity.

    Attributes:
        name, step: the first such tensor and its step.
        tensors: everything that was looked at, ``(batch, time, ...)`` each.
    """

    def __init__(self, name: str, step: int, tensors: dict[str, torch.Tensor]):
        super().__init__(describe(name, step, tensors[name][:, step]))
        self.name, self.step, self.tensors = name, step, tensors


@exercise("hw2.first_nonfinite")
def first_nonfinite(tensors: dict[str, torch.Tensor]) -> tuple[str, int] | None:
    """Where the first NaN or infinity stands: what to look at first when a training breaks down.

    The earliest step counts, whatever tensor it is in. Where several tensors break at that step, it is the one
    that stands first in ``tensors``, which lists them in the order in which they are computed.

    Args:
        tensors: names and tensors ``(batch, time, ...)``, all with the same batch and time; they stay as they are.

    Returns:
        The tensor's name and its step, an int or a scalar of NumPy or PyTorch, counted from 0; None where everything is
        finite.
    """


def check_finite(tensors: dict[str, torch.Tensor]) -> None:
    """Do nothing, or stop at the first NaN or infinity.

    Args:
        tensors: as in ``first_nonfinite``.

    Raises:
        NonFiniteError: names the tensor and the step, with statistics.
    """
    found = first_nonfinite(tensors)
    if found is not None:
        raise NonFiniteError(*found, tensors)


def describe(name: str, step: int, values: torch.Tensor) -> str:
    """One sentence about the values of a tensor at a step.

    >>> describe("action", 3, torch.tensor([[0.5, float("nan")], [float("inf"), -1.0]]))
    'action is not finite at step 3: 1 NaN and 1 infinite of 4 numbers, first at [0, 1]; the others from -1 to 0.5'

    Args:
        values: ``(batch, ...)``.
    """
    nan, infinite = values.isnan(), values.isinf()
    finite = values[~(nan | infinite)]
    others = f"from {finite.min():.4g} to {finite.max():.4g}" if len(finite) else "none"
    first = (nan | infinite).nonzero()[0].tolist()
    return (
        f"{name} is not finite at step {step}: {nan.sum()} NaN and {infinite.sum()} infinite of "
        f"{values.numel()} numbers, first at {first}; the others {others}"
    )
