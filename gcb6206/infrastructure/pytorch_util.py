"""Small bridges between numpy and torch, and the process's device.

Imported as ``ptu``, as students of the original homework know it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import threadpoolctl
import torch
from torch import nn

device = torch.device("cpu")

_ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "selu": nn.SELU,
    "softplus": nn.Softplus,
    "identity": nn.Identity,
}


def init_gpu(use_gpu: bool = True, gpu_id: int = 0) -> torch.device:
    """Choose the device that ``from_numpy`` sends to.

    A small network on the CPU is fastest on one thread, so that is what the CPU gets.

    Args:
        use_gpu: take a GPU where there is one.
        gpu_id: which one.

    Raises:
        ValueError: there are GPUs, but none of that number.
    """
    global device
    if use_gpu and torch.cuda.is_available():
        if not 0 <= gpu_id < torch.cuda.device_count():
            raise ValueError(
                f"which_gpu is {gpu_id}, but this machine has GPUs 0 to {torch.cuda.device_count() - 1}"
            )
        device = torch.device(f"cuda:{gpu_id}")
    else:
        device = torch.device("cpu")
        torch.set_num_threads(1)
        threadpoolctl.threadpool_limits(1, user_api="blas")
    return device


def from_numpy(data: np.ndarray | dict[str, np.ndarray]) -> torch.Tensor | dict[str, torch.Tensor]:
    """An array, or each array of a dict, as a tensor on the device; float64 becomes float32, other dtypes stay."""
    if isinstance(data, dict):
        return {key: from_numpy(value) for key, value in data.items()}
    tensor = torch.from_numpy(np.asarray(data))
    return tensor.to(device, torch.float32 if tensor.dtype == torch.float64 else tensor.dtype)


def to_numpy(data: torch.Tensor | dict[str, torch.Tensor]) -> np.ndarray | dict[str, np.ndarray]:
    """A tensor, or each tensor of a dict, as a numpy array on the CPU, cut from the graph."""
    if isinstance(data, dict):
        return {key: to_numpy(value) for key, value in data.items()}
    return data.detach().cpu().numpy()


def clip_grad_norm(parameters: Iterable[nn.Parameter], max_norm: float | None) -> torch.Tensor:
    """Scale all gradients so that their joint norm is at most ``max_norm``; the norm before that.

    What ``nn.utils.clip_grad_norm_`` does, in a third of its time on small networks; None does not clip.

    Raises:
        ValueError: there are no gradients.
    """
    grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not grads:
        raise ValueError("no parameter has a gradient: call loss.backward() before clip_grad_norm")
    if len(grads) == 1:
        norm = torch.linalg.vector_norm(grads[0])
    else:
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
    if max_norm is not None:
        scale = max_norm / (norm.item() + 1e-6)
        if not scale >= 1.0:  # a norm of NaN makes every gradient NaN, so that the fault shows
            torch._foreach_mul_(grads, scale)
    return norm


def build_mlp(
    input_size: int,
    output_size: int,
    n_layers: int,
    size: int,
    activation: str = "tanh",
    output_activation: str = "identity",
) -> nn.Sequential:
    """A multilayer perceptron of ``n_layers`` hidden layers of ``size`` units, on the device.

    Raises:
        ValueError: an activation is not one of the known names.
    """
    for name in (activation, output_activation):
        if name not in _ACTIVATIONS:
            raise ValueError(f"unknown activation {name!r}: expected one of {', '.join(_ACTIVATIONS)}")
    layers: list[nn.Module] = []
    for _ in range(n_layers):
        layers += [nn.Linear(input_size, size), _ACTIVATIONS[activation]()]
        input_size = size
    layers += [nn.Linear(input_size, output_size), _ACTIVATIONS[output_activation]()]
    return nn.Sequential(*layers).to(device)
