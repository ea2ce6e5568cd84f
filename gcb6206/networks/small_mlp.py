"""A tanh network whose weights are one vector, for learning where calls cost more than arithmetic.

With two layers of 64 units and batches of 128, PyTorch spends most of a step between its kernels: a module call,
an autograd node, an optimiser entry for each of six tensors. Here the whole network is one parameter and one
autograd node, computed by numpy on the CPU's own memory; on other devices, PyTorch computes it as usual.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import nn


class SmallMLP(nn.Module):
    """``(batch, sizes[0])`` to ``(batch, sizes[-1])``: tanh between the layers, none behind the last.

    Args:
        sizes: units of the input, of each hidden layer, and of the output.

    Attributes:
        weights: one vector: for each layer its matrix ``(inputs, outputs)`` row by row, then its bias. They
            begin as ``nn.Linear`` begins.
    """

    def __init__(self, sizes: list[int]):
        super().__init__()
        self.sizes = list(sizes)
        layers = [nn.Linear(i, o) for i, o in itertools.pairwise(sizes)]
        parts = [part for layer in layers for part in (layer.weight.T.reshape(-1), layer.bias)]
        self.weights = nn.Parameter(torch.cat(parts).detach())

    def layers(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Each layer's matrix ``(inputs, outputs)`` and bias ``(outputs,)``, as views of the vector."""
        return _layers(self.weights, self.sizes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The network's output for a float32 batch."""
        if x.device.type == "cpu" and x.dtype == self.weights.dtype:
            if torch.is_grad_enabled():
                return _NumpyMLP.apply(x, self.weights, self.sizes)
            return torch.from_numpy(_forward(x.numpy(), self.weights.detach().numpy(), self.sizes)[-1])
        *hidden, (last_matrix, last_bias) = self.layers()
        for matrix, bias in hidden:
            x = torch.tanh(torch.addmm(bias, x, matrix))
        return torch.addmm(last_bias, x, last_matrix)


class _NumpyMLP(torch.autograd.Function):
    """The whole network as one node of the graph; its input gets no gradient."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, weights: torch.Tensor, sizes: list[int]) -> torch.Tensor:
        *ctx.inputs, output = _forward(x.numpy(), weights.numpy(), sizes)
        ctx.sizes = sizes
        ctx.save_for_backward(weights)  # PyTorch raises if an optimiser changes them before the backward pass
        return torch.from_numpy(output)

    @staticmethod
    def backward(ctx, grad_output: torch.Tensor):
        grad = grad_output.numpy()
        vector = ctx.saved_tensors[0].numpy()
        grad_vector = np.empty_like(vector)
        backwards = zip(
            _layers(vector, ctx.sizes)[::-1], _layers(grad_vector, ctx.sizes)[::-1], ctx.inputs[::-1]
        )
        for depth, ((matrix, _), (grad_matrix, grad_bias), layer_input) in enumerate(backwards, 1):
            np.matmul(layer_input.T, grad, out=grad_matrix)
            np.add.reduce(grad, 0, out=grad_bias)
            if depth < len(ctx.inputs):  # through the tanh below this layer: its derivative is 1 - tanh^2
                grad = (grad @ matrix.T) * (1.0 - layer_input * layer_input)
        return None, torch.from_numpy(grad_vector), None


def _forward(x: np.ndarray, vector: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """The input of every layer, and the output."""
    values = [x]
    layers = _layers(vector, sizes)
    for matrix, bias in layers:
        x = x @ matrix
        x += bias
        if len(values) < len(layers):
            np.tanh(x, out=x)
        values.append(x)
    return values


def _layers(vector, sizes: list[int]) -> list[tuple]:
    """Views of a vector: each layer's matrix and bias."""
    layers, end = [], 0
    for inputs, outputs in itertools.pairwise(sizes):
        start, end = end, end + inputs * outputs
        layers.append((vector[start:end].reshape(inputs, outputs), vector[end : end + outputs]))
        end += outputs
    return layers
