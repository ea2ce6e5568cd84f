"""Small tanh networks as one vector of weights, for learning where calls cost more than arithmetic.

``nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 2))`` computes the same numbers and gradients (the tests
compare them). With so small layers PyTorch spends most of a step between its kernels: a module call, an autograd node
and an optimiser entry for each tensor. Here the whole network is one parameter and one autograd node, computed by numpy
on the CPU's own memory. ``SmallMLP`` is one network, DQN's; ``TwinMLP`` is two of one shape, PPO's actor and critic.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from torch import nn

Parts = list[tuple[slice, tuple[int, ...]]]  # where each array lies in the vector, and its shape


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
        self.parts = _parts([shape for i, o in itertools.pairwise(sizes) for shape in ((i, o), (o,))])
        layers = [nn.Linear(i, o) for i, o in itertools.pairwise(sizes)]
        parts = [part for layer in layers for part in (layer.weight.T.reshape(-1), layer.bias)]
        self.weights = nn.Parameter(torch.cat(parts).detach())

    def layers(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Each layer's matrix ``(inputs, outputs)`` and bias ``(outputs,)``, as views of the vector."""
        return _layers(self.weights, self.parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The network's output for a float32 batch."""
        if x.device.type == "cpu" and x.dtype == self.weights.dtype:
            if torch.is_grad_enabled():
                return _Single.apply(x, self.weights, self.parts)
            return torch.from_numpy(_forward(x.numpy(), self.weights.detach().numpy(), self.parts)[-1])
        *hidden, (last_matrix, last_bias) = self.layers()
        for matrix, bias in hidden:
            x = torch.tanh(torch.addmm(bias, x, matrix))
        return torch.addmm(last_bias, x, last_matrix)


class _Single(torch.autograd.Function):
    """The whole network as one node of the graph; its input gets no gradient."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, weights: torch.Tensor, parts: Parts) -> torch.Tensor:
        *ctx.inputs, output = _forward(x.numpy(), weights.numpy(), parts)
        ctx.parts = parts
        ctx.save_for_backward(weights)  # PyTorch raises if an optimiser changes them before the backward pass
        return torch.from_numpy(output)

    @staticmethod
    def backward(ctx, grad_output: torch.Tensor):
        grad = grad_output.numpy()
        vector = ctx.saved_tensors[0].numpy()
        grad_vector = np.empty_like(vector)
        backwards = zip(
            _layers(vector, ctx.parts)[::-1], _layers(grad_vector, ctx.parts)[::-1], ctx.inputs[::-1]
        )
        for depth, ((matrix, _), (grad_matrix, grad_bias), layer_input) in enumerate(backwards, 1):
            np.matmul(layer_input.T, grad, out=grad_matrix)
            np.add.reduce(grad, 0, out=grad_bias)
            if depth < len(ctx.inputs):  # through the tanh below this layer: its derivative is 1 - tanh^2
                grad = (grad @ matrix.T) * (1.0 - layer_input * layer_input)
        return None, torch.from_numpy(grad_vector), None


def _forward(x: np.ndarray, vector: np.ndarray, parts: Parts) -> list[np.ndarray]:
    """The input of every layer, and the output."""
    values = [x]
    layers = _layers(vector, parts)
    for matrix, bias in layers:
        x = x @ matrix
        x += bias
        if len(values) < len(layers):
            np.tanh(x, out=x)
        values.append(x)
    return values


class TwinMLP(nn.Module):
    """Two networks over one input, every layer of both computed at once, as a stack of two matrices.

    Maps ``(batch, inputs)`` to the actor's ``(batch, outputs)`` and the critic's ``(batch,)``.

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
        self.parts = _parts(shapes)
        self.weights = nn.Parameter(torch.zeros(sum(map(math.prod, shapes))))
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


def _parts(shapes: list[tuple[int, ...]]) -> Parts:
    """Where in a vector arrays of these shapes lie, one after another."""
    ends = np.cumsum([math.prod(shape) for shape in shapes]).tolist()
    return [(slice(begin, end), shape) for begin, end, shape in zip([0, *ends], ends, shapes)]


def _layers(vector, parts: Parts) -> list[tuple]:
    """Views of a vector: each layer's matrix and bias, or matrices and biases."""
    views = [vector[where].reshape(shape) for where, shape in parts]
    return list(zip(views[::2], views[1::2]))
