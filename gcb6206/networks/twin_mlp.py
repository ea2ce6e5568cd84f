"""Actor and critic as one vector of weights, for learning where calls cost more than arithmetic.

Two tanh networks over the same input have nothing in common but their shapes, so every layer of both is
computed at once, as a stack of two matrices. As in ``small_mlp.py``, the whole is one parameter and one
autograd node, computed by numpy on the CPU's own memory.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from torch import nn


class TwinMLP(nn.Module):
    """Maps ``(batch, inputs)`` to the actor's ``(batch, outputs)`` and the critic's ``(batch,)``.

    Args:
        inputs: features of one observation.
        hidden: units of each hidden layer, of both networks.
        outputs: numbers that the actor gives.

    Attributes:
        weights: one vector: for each layer the matrices ``(2, inputs, units)`` of actor and critic, row by
            row, then the biases ``(2, units)``. The critic's last layer has as many outputs as the actor's;
            all but the first stay 0. The matrices begin orthogonal with gain sqrt(2), the actor's last one
            with 0.01 (nearly the same distribution everywhere), the critic's with 1, and the biases at 0, as
            in PPO's usual programs.
    """

    def __init__(self, inputs: int, hidden: list[int], outputs: int):
        super().__init__()
        sizes = [inputs, *hidden, outputs]
        shapes = [shape for i, o in itertools.pairwise(sizes) for shape in ((2, i, o), (2, o))]
        ends = np.cumsum([math.prod(shape) for shape in shapes]).tolist()
        self.parts = [(slice(begin, end), shape) for begin, end, shape in zip([0, *ends], ends, shapes)]
        self.weights = nn.Parameter(torch.zeros(ends[-1]))
        self._seen_at = -1
        with torch.no_grad():
            *stacks, (last, _) = self.layers()
            for matrices, _ in stacks:
                for matrix in matrices:
                    nn.init.orthogonal_(matrix, math.sqrt(2.0))
            nn.init.orthogonal_(last[0], 0.01)
            nn.init.orthogonal_(last[1, :, :1])

    def layers(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Each layer's matrices ``(2, inputs, units)`` and biases ``(2, units)``, as views of the vector."""
        return _layers(self.weights, self.parts)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The actor's output ``(batch, outputs)`` and the values ``(batch,)``; the input gets no gradient."""
        return _Twin.apply(x, self.weights, self)

    def actor(self, x: np.ndarray) -> np.ndarray:
        """The actor's output alone, without a gradient."""
        *hidden, (matrices, biases) = self.numpy_layers()
        for inner, inner_biases in hidden:
            x = np.tanh(x @ inner[0] + inner_biases[0])
        return x @ matrices[0] + biases[0]

    def numpy_layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """``layers`` as numpy sees the memory; made once, for optimisers change weights in place."""
        if self._seen_at != self.weights.data_ptr():
            self._seen_at = self.weights.data_ptr()
            self._numpy_layers = _layers(self.weights.detach().numpy(), self.parts)
        return self._numpy_layers


class _Twin(torch.autograd.Function):
    """Both networks as one node of the graph."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, weights: torch.Tensor, network: TwinMLP):
        layers = network.numpy_layers()
        ctx.inputs = [x.numpy()]
        for matrices, biases in layers:
            y = np.matmul(ctx.inputs[-1], matrices)  # (2, batch, units)
            y += biases[:, None]
            if len(ctx.inputs) < len(layers):
                ctx.inputs.append(np.tanh(y, out=y))
        ctx.network = network
        ctx.save_for_backward(weights)  # PyTorch raises if an optimiser changes them before the backward pass
        both = torch.from_numpy(y)
        return both[0], both[1, :, 0]

    @staticmethod
    def backward(ctx, grad_outputs: torch.Tensor, grad_values: torch.Tensor):
        (weights,) = ctx.saved_tensors
        gradient = np.empty(len(weights), np.float32)
        grad = np.zeros((2, *grad_outputs.shape), np.float32)
        grad[0] = grad_outputs.numpy()
        grad[1, :, 0] = grad_values.numpy()
        layers, grad_layers = ctx.network.numpy_layers(), _layers(gradient, ctx.network.parts)
        for depth in reversed(range(len(layers))):
            inputs, (grad_matrices, grad_biases) = ctx.inputs[depth], grad_layers[depth]
            np.matmul(inputs.swapaxes(-1, -2), grad, out=grad_matrices)
            np.add.reduce(grad, 1, out=grad_biases)
            if depth:  # through the tanh below this layer: its derivative is 1 - tanh^2
                grad = np.matmul(grad, layers[depth][0].swapaxes(1, 2))
                grad -= grad * inputs * inputs
        return None, torch.from_numpy(gradient), None


def _layers(vector, parts: list[tuple[slice, tuple[int, ...]]]) -> list[tuple]:
    """Views of a vector: each layer's matrices and biases."""
    views = [vector[where].reshape(shape) for where, shape in parts]
    return list(zip(views[::2], views[1::2]))
