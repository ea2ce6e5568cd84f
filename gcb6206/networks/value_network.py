"""Critics that see both arms, and what they see.

    LightweightCentralizedCritic:  V(proprioception of all agents, with history)
    CentralizedValueNetwork:       V(the same, and every agent's pictures, as the frozen vision transformers see them)

Neither is used to act: an actor sees its own agent only, a critic is thrown away after training.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from gcb6206.networks.team import MLP


class GlobalState(NamedTuple):
    """What a critic may see of a team."""

    proprio: torch.Tensor
    """Normalised, newest first, ``(batch, n_agents, history_length * proprio_dim)``."""
    features: torch.Tensor | None = None
    """Of the pictures, ``(batch, n_agents, pictures, patches, vision_dim)``; None where no critic needs them."""

    def of_agent(self, agent: int) -> GlobalState:
        """The part that one agent sees itself."""
        one = slice(agent, agent + 1)
        return GlobalState(self.proprio[:, one], None if self.features is None else self.features[:, one])


class LightweightCentralizedCritic(nn.Module):
    """A value from the proprioception of all agents.

    Args:
        n_agents: how many agents' proprioception it sees.
        proprio_size: features of each, history included.
        hidden: units of each hidden layer.
    """

    needs_pictures = False

    def __init__(self, n_agents: int, proprio_size: int, hidden: list[int]):
        super().__init__()
        self.network = MLP(n_agents * proprio_size, 1, hidden, gain=1.0)

    def forward(self, global_state: GlobalState) -> torch.Tensor:
        """The value, ``(batch, 1)``."""
        return self.network(global_state.proprio.flatten(1))


class CentralizedValueNetwork(nn.Module):
    """A value from the pictures and the proprioception of all agents.

    Every patch is brought to a few numbers, so that its place in the picture is kept.

    Args:
        n_agents, proprio_size, hidden: as in ``LightweightCentralizedCritic``.
        pictures: of each agent, history included.
        patches, vision_dim: of a picture's features.
        per_patch: numbers that are made of one patch.
    """

    needs_pictures = True

    def __init__(
        self,
        n_agents: int,
        proprio_size: int,
        hidden: list[int],
        pictures: int,
        patches: int,
        vision_dim: int,
        per_patch: int = 4,
    ):
        super().__init__()
        self.squeeze = nn.Sequential(nn.LayerNorm(vision_dim), nn.Linear(vision_dim, per_patch))
        self.network = MLP(n_agents * (proprio_size + pictures * patches * per_patch), 1, hidden, gain=1.0)

    def forward(self, global_state: GlobalState) -> torch.Tensor:
        """The value, ``(batch, 1)``."""
        seen = self.squeeze(global_state.features).flatten(1)
        return self.network(torch.cat([global_state.proprio.flatten(1), seen], dim=1))


class TeamCritic(nn.Module):
    """Every agent's value: that of a critic that sees all (MAPPO), or of one for each agent alone (IPPO).

    Args:
        critics: one central critic, or one critic an agent.
        n_agents: how many agents.
        central: the only critic sees all agents.
    """

    def __init__(self, critics: list[nn.Module], n_agents: int, central: bool):
        super().__init__()
        self.critics, self.n_agents, self.central = nn.ModuleList(critics), n_agents, central

    @property
    def needs_pictures(self) -> bool:
        """Whether the global state has to hold features."""
        return self.critics[0].needs_pictures

    def forward(self, global_state: GlobalState) -> torch.Tensor:
        """``(batch, n_agents, 1)``."""
        if self.central:
            return self.critics[0](global_state)[:, None].expand(-1, self.n_agents, -1)
        values = [
            self.critics[agent % len(self.critics)](global_state.of_agent(agent))
            for agent in range(self.n_agents)
        ]
        return torch.stack(values, dim=1)
