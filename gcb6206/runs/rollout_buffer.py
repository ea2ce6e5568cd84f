"""What the last steps looked like, each picture kept once, with the history found by its place.

A policy sees ``[front_t, wrist_t, front_{t-1}, wrist_{t-1}]``. The older pictures are those of the step before, and the
front camera is the same for both arms: so a step adds one entry for each camera, and an observation is looked up. Where
the vision transformers are frozen, the entries are their features, computed once; otherwise the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from gcb6206.networks.value_network import GlobalState


@dataclass
class Ended:
    """The last observations of episodes that ended at one step."""

    step: int
    """In the rollout."""
    envs: torch.Tensor
    """Which environments, ``(ended,)``."""
    seen: torch.Tensor
    """``(ended, cameras, ...)``."""
    proprio: torch.Tensor
    """``(ended, n_agents, proprio_dim)``."""


class RolloutBuffer:
    """A window of ``steps`` steps in ``num_envs`` environments, with what came before it.

    Args:
        steps: of a rollout.
        num_envs: environments side by side.
        history_length: observations that are seen at once.
        views: for each agent the numbers of its cameras.

    Attributes:
        data: tensors ``(steps, num_envs, ...)`` that the collector fills in.
        ended: the last observations of episodes.
    """

    def __init__(self, steps: int, num_envs: int, history_length: int, views: tuple[tuple[int, ...], ...]):
        self.steps, self.num_envs, self.history = steps, num_envs, history_length
        self.views = torch.tensor(views)
        self.data: dict[str, torch.Tensor] = {}
        self.ended: list[Ended] = []
        self.age = torch.zeros(steps + history_length, num_envs, dtype=torch.long)
        self.seen = self.proprio = None

    def start(self, seen: torch.Tensor, proprio: torch.Tensor) -> None:
        """Begin with new episodes in all environments; ``(num_envs, cameras, ...)``, ``(num_envs, n_agents, ...)``."""
        rows = self.steps + self.history
        self.seen = torch.empty(rows, *seen.shape, dtype=seen.dtype)
        self.proprio = torch.empty(rows, *proprio.shape)
        last = self.history - 1
        self.seen[: last + 1], self.proprio[: last + 1] = seen, proprio
        self.age[: last + 1] = 0
        self.ended, self.data = [], {}

    def go_on(self) -> None:
        """Begin with what the last rollout ended with."""
        for rows in (self.seen, self.proprio, self.age):
            rows[: self.history] = rows[self.steps :].clone()
        self.ended, self.data = [], {}

    def row(self, step: int) -> int:
        """Where the observation of a step lies; that of ``steps`` follows the last one."""
        return self.history - 1 + step

    def put(self, step: int, seen: torch.Tensor, proprio: torch.Tensor, new: torch.Tensor) -> None:
        """Keep the observation before a step; ``new`` ``(num_envs,)`` bool, it is its episode's first."""
        row = self.row(step)
        self.seen[row], self.proprio[row] = seen, proprio
        self.age[row] = torch.where(new, 0, self.age[row - 1] + 1)

    def record(self, step: int, **tensors: torch.Tensor) -> None:
        """Keep what happened at a step, ``(num_envs, ...)`` each."""
        for name, tensor in tensors.items():
            if name not in self.data:
                self.data[name] = torch.empty(self.steps, *tensor.shape, dtype=tensor.dtype)
            self.data[name][step] = tensor

    def inputs(self, steps: torch.Tensor, envs: torch.Tensor) -> torch.Tensor:
        """What the agents saw.

        Args:
            steps, envs: ``(batch,)``.

        Returns:
            ``(batch, n_agents, history * cameras of an agent, ...)``, newest first.
        """
        rows = self._rows(steps, envs)
        index = self.views[None, :, None, :]  # batch, agents, history, cameras
        seen = self.seen[rows[:, None, :, None], envs[:, None, None, None], index]
        return seen.flatten(2, 3)

    def proprios(self, steps: torch.Tensor, envs: torch.Tensor) -> torch.Tensor:
        """The agents' proprioception now, ``(batch, n_agents, proprio_dim)``."""
        return self.proprio[self.row(0) + steps, envs]

    def global_state(self, steps: torch.Tensor, envs: torch.Tensor, scale, pictures: bool) -> GlobalState:
        """What a critic sees.

        Args:
            steps, envs: ``(batch,)``.
            scale: brings proprioception to the networks' numbers.
            pictures: with features.
        """
        rows = self._rows(steps, envs)
        proprio = scale(self.proprio[rows, envs[:, None]])  # batch, history, agents, features
        return GlobalState(proprio.transpose(1, 2).flatten(2), self.inputs(steps, envs) if pictures else None)

    def last_state(self, ended: Ended, scale, pictures: bool) -> GlobalState:
        """What a critic sees at the end of episodes; with the history before."""
        older = self._rows(torch.full_like(ended.envs, ended.step), ended.envs)[:, : self.history - 1]
        envs = ended.envs[:, None]
        proprio = scale(torch.cat([ended.proprio[:, None], self.proprio[older, envs]], dim=1))
        features = None
        if pictures:
            seen = torch.cat([ended.seen[:, None], self.seen[older, envs]], dim=1)  # batch, history, cameras
            features = seen[:, :, self.views].transpose(1, 2).flatten(2, 3)
        return GlobalState(proprio.transpose(1, 2).flatten(2), features)

    def _rows(self, steps: torch.Tensor, envs: torch.Tensor) -> torch.Tensor:
        """Rows of the observations that belong to a history, newest first, ``(batch, history)``."""
        newest = self.row(0) + steps
        ages = torch.arange(self.history)
        return newest[:, None] - torch.minimum(ages, self.age[newest, envs][:, None])
