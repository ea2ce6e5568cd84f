"""Q-networks: from an observation to one value per action."""

from __future__ import annotations

import math

import torch
from torch import nn

from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.networks.small_mlp import SmallMLP


def mlp_critic(observation_shape: tuple[int, ...], num_actions: int, n_layers: int, size: int) -> nn.Module:
    """A tanh network for vector observations: ``(batch, features)`` to ``(batch, num_actions)``."""
    return SmallMLP([math.prod(observation_shape), *[size] * n_layers, num_actions]).to(ptu.device)


class PictureCritic(nn.Module):
    """A convolution and a hidden layer for the pictures of small games, as in MinAtar (Young and Tian 2019).

    Args:
        observation_shape: ``(height, width, layers)``.
        num_actions: how many values to give.
        channels: filters of the convolution, which look at 3 by 3 cells.
        hidden: units of the layer behind it.

    Raises:
        ValueError: observations that are no such pictures.
    """

    def __init__(self, observation_shape: tuple[int, ...], num_actions: int, channels: int, hidden: int):
        super().__init__()
        if len(observation_shape) != 3 or min(observation_shape[:2]) < 3:
            raise ValueError(
                f"observation shape {observation_shape} does not fit: expected (height, width, layers)"
            )
        height, width, layers = observation_shape
        self.layers = nn.Sequential(
            nn.Conv2d(layers, channels, kernel_size=3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(channels * (height - 2) * (width - 2), hidden),
            nn.ReLU(),
            nn.Linear(hidden, num_actions),
        ).to(ptu.device)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Values ``(batch, num_actions)`` of pictures ``(batch, height, width, layers)`` of zeros and ones."""
        return self.layers(observation.permute(0, 3, 1, 2).float())


class AtariCritic(nn.Module):
    """The network of the Nature paper (Mnih et al. 2015, Methods): three convolutions, one hidden layer.

    Args:
        observation_shape: ``(frames, 84, 84)``.
        num_actions: how many values to give.
        precision: ``float32``, or ``bfloat16`` for all layers but the last; weights and values stay float32.

    Raises:
        ValueError: another observation shape.
    """

    def __init__(self, observation_shape: tuple[int, ...], num_actions: int, precision: str = "float32"):
        super().__init__()
        if len(observation_shape) != 3 or observation_shape[1:] != (84, 84):
            raise ValueError(f"observation shape {observation_shape} does not fit: expected (frames, 84, 84)")
        self.layers = nn.Sequential(
            nn.Conv2d(observation_shape[0], 32, kernel_size=8, stride=4),
            nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=4, stride=2),
            nn.ReLU(),
            nn.Conv2d(64, 64, kernel_size=3, stride=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * 7 * 7, 512),
            nn.ReLU(),
            nn.Linear(512, num_actions),
        ).to(ptu.device, memory_format=torch.channels_last)  # the faster order of a picture's numbers
        self.rough = precision == "bfloat16"

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Values ``(batch, num_actions)`` of pixels ``(batch, frames, 84, 84)`` from 0 to 255."""
        if not self.rough:
            return self.layers(observation.float() / 255.0)
        with torch.autocast(observation.device.type, torch.bfloat16):
            hidden = self.layers[:-1](
                observation.bfloat16() / 255
            )  # a byte fits: the same as float32 rounded
        return self.layers[-1](hidden.float())  # rounded values could not tell similar actions apart
