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

    def picture(self) -> np.ndarray:
        """What the first environment looks like to people, ``(height, width, 3)`` uint8."""

    def close(self) -> None:
        """End what was started."""


class TwoArmWorld:
    """TwoArmPegInHole with pictures: the front camera, which both arms see, and a camera at each wrist.

    Args:
        num_envs: environments side by side.
        image_size: side of a picture in pixels.
        reward_shaping: dense reward; otherwise 1 for each step in success.
        max_episode_steps: time limit of an episode; success does not end it.
        num_workers: processes; 0 plays all in this one; None takes one for each processor.
        env_kwargs: further options of ``TwoArmPegInHole``.
    """

    views = ((0, 1), (0, 2))
    instructions = INSTRUCTIONS

    def __init__(
        self,
        num_envs: int,
        image_size: int = 64,
        reward_shaping: bool = True,
        max_episode_steps: int = 300,
        num_workers: int | None = 0,
        env_kwargs: dict | None = None,
    ):
        from gcb6206.envs.two_arm.vector import TwoArmVectorEnv  # loads MuJoCo, which not every user needs

        self.num_envs, self.image_size = num_envs, image_size
        self.env = TwoArmVectorEnv(
            num_envs,
            num_workers,
            observation="images",
            history_length=1,
            image_size=image_size,
            reward_shaping=reward_shaping,
            max_episode_steps=max_episode_steps,
            **(env_kwargs or {}),
        )
        self.n_agents = self.env.num_agents
        self.proprio_dim = self.env.observation_space["proprio"].shape[1]
        self.low, self.high = self.env.action_space.low, self.env.action_space.high

    def reset(self, seed: int) -> Observation:
        """Begin new episodes everywhere."""
        return self._seen(self.env.reset(seed % 2**31)[0])

    def step(self, actions: np.ndarray) -> tuple[Observation, np.ndarray, np.ndarray, np.ndarray, dict]:
        """One step: see ``World``."""
        observation, reward, terminated, truncated, infos = self.env.step(actions)
        told = {"success": infos["success"]}
        if "_final_obs" in infos:
            ended = infos["_final_obs"]
            told["final"] = self._seen({name: rows[ended] for name, rows in infos["final_obs"].items()})
        both = np.repeat(np.asarray(reward, np.float32)[:, None], self.n_agents, axis=1)
        return self._seen(observation), both, terminated, truncated, told

    def picture(self) -> np.ndarray:
        """The first pair of arms with the visual meshes, ``(240, 320, 3)`` uint8; a second of a core."""
        return self.env.camera("agentview", 240, 320, True)

    def close(self) -> None:
        """End the processes."""
        self.env.close()

    @staticmethod
    def _seen(observation: dict[str, np.ndarray]) -> Observation:
        """Three pictures of each pair of arms, from two for each agent; what each arm feels now."""
        images = observation["images"]
        pictures = np.stack([images[:, 0, 0], images[:, 0, 1], images[:, 1, 1]], axis=1)
        return Observation(torch.from_numpy(pictures), torch.from_numpy(observation["proprio"][:, :, 0]))
