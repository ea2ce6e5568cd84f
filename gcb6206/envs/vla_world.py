"""Worlds as a vision-language-action policy needs them: pictures, proprioception, several environments at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

INSTRUCTIONS = ("insert the peg into the hole", "hold the hole towards the peg")


@dataclass
class Observation:
    """What all agents of all environments see."""

    pictures: torch.Tensor
    """``(num_envs, cameras, height, width, 3)`` uint8, upright."""
    proprio: torch.Tensor
    """``(num_envs, n_agents, proprio_dim)`` float32, in the robots' numbers."""


class World(Protocol):
    """Environments side by side, each of which begins a new episode by itself."""

    num_envs: int
    n_agents: int
    proprio_dim: int
    image_size: int
    instructions: tuple[str, ...]  # what each agent is told
    low: np.ndarray  # of an agent's action, (components,)
    high: np.ndarray
    views: tuple[tuple[int, ...], ...]  # for each agent the numbers of its cameras, the common one first

    def reset(self, seed: int) -> Observation:
        """Begin new episodes everywhere."""

    def step(self, actions: np.ndarray) -> tuple[Observation, np.ndarray, np.ndarray, np.ndarray, dict]:
        """One step with actions ``(num_envs, n_agents, components)``.

        Returns:
            The next observation, where an episode ended that of the new one; rewards ``(num_envs, n_agents)``;
            terminated and truncated ``(num_envs,)`` bool; ``success`` ``(num_envs,)`` bool, and where any episode ended
            ``final``, the ended episodes' last ``Observation``, in the order of the environments.
        """

    def close(self) -> None:
        """End what was started."""


class TwoArmWorld:
    """Stands for the arms."""
