"""The network of the realm: three convolutions over the map, joined with the 31 numbers; illegal actions masked.

Observations travel as rows of bytes (``pack``): 10.4 kB for a map in whole numbers, a quarter of its floats.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gcb6206.envs.realm.game import ACTIONS
from gcb6206.envs.realm.observation import LAYERS, NUMBERS, VIEW
from gcb6206.exercises import exercise
from gcb6206.networks.policies import entropy_bonus

_MAP = len(LAYERS) * VIEW * VIEW  # bytes
_VECTOR = _MAP + 4 * NUMBERS
PACKED = _VECTOR + ACTIONS
_PRESENT = slice(2, 15)  # of the vector: whether each treasure is still there
ILLEGAL = -1e9  # a logit: its probability is exactly 0, and its share of the entropy too


def pack(observation: dict[str, np.ndarray]) -> np.ndarray:
    """Observations as bytes.

    Args:
        observation: arrays ``(N, ...)``: map, vector, action_mask, as the environment gives them.

    Returns:
        ``(N, 10544)`` uint8.
    """
    number = len(observation["vector"])
    packed = np.empty((number, PACKED), np.uint8)
    packed[:, :_MAP] = observation["map"].reshape(number, _MAP)
    packed[:, _MAP:_VECTOR] = np.ascontiguousarray(observation["vector"], np.float32).view(np.uint8)
    packed[:, _VECTOR:] = observation["action_mask"]
    return packed


def unpack(packed: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Maps ``(N, 4, 51, 51)`` float in [0, 1], vectors ``(N, 31)`` and legal actions ``(N, 16)`` bool of bytes."""
    maps = packed[:, :_MAP].reshape(-1, len(LAYERS), VIEW, VIEW).float() / 255.0
    vectors = packed[:, _MAP:_VECTOR].contiguous().view(torch.float32)
    return maps, vectors, packed[:, _VECTOR:].bool()


def end_as_last_treasure(maps: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Maps on which the end looks like a treasure once no treasure is left, and is not to be seen before.

    A small network then has to learn one errand in the place of two that exclude each other.

    Args:
        maps: ``(N, 4, 51, 51)``.
        vectors: ``(N, 31)``.
    """
    rock, memory, treasures, end = maps.unbind(dim=1)
    nothing_left = ~vectors[:, _PRESENT].any(dim=1)
    due = end * nothing_left[:, None, None]
    return torch.stack([rock, memory, treasures + due, due], dim=1)


@exercise("hw5.mask_logits")
def mask_logits(logits: torch.Tensor, legal: torch.Tensor) -> torch.Tensor:
    """Logits whose illegal actions have probability 0.

    After a softmax an illegal action has probability 0 exactly, and the legal ones share the rest as they would
    without it. All logits are finite, so that entropy and gradients are too: 0 times infinity is NaN. Through an
    illegal action no gradient flows. The arguments stay as they are.

    Args:
        logits: ``(batch, actions)``, float32 or float64, of at most 10,000 in size; any batch, 0 too.
        legal: ``(batch, actions)`` bool; at least one True in each row.

    Returns:
        ``(batch, actions)`` of the same dtype; legal ones unchanged.
    """


def gumbel_noise(generator: np.random.Generator, *shape: int) -> np.ndarray:
    """Noise ``(*shape, 16)`` float32 that turns the argmax of log-probabilities into a draw from them."""
    return generator.gumbel(size=(*shape, ACTIONS)).astype(np.float32)


class Backbone(nn.Module):
    """Features of maps and vectors.

    Args:
        channels: of the first convolution; the others have twice as many.
        hidden: features.
    """

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(len(LAYERS), channels, kernel_size=5, stride=3),  # 51 to 16
            nn.ReLU(),
            nn.Conv2d(channels, 2 * channels, kernel_size=3, stride=2),  # to 7
            nn.ReLU(),
            nn.Conv2d(2 * channels, 2 * channels, kernel_size=3, stride=2),  # to 3
            nn.ReLU(),
            nn.Flatten(),
        )
        self.joined = nn.Linear(9 * 2 * channels + NUMBERS, hidden)

    def forward(self, maps: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """``(batch, hidden)``."""
        if torch.is_grad_enabled():  # in this order of bytes, gradients take two thirds of the time
            maps = maps.contiguous(memory_format=torch.channels_last)
        return F.relu(self.joined(torch.cat([self.convolutions(maps), vectors], dim=1)))


class RealmPolicy(nn.Module):
    """Actor and critic, each with a backbone of its own, or with one for both.

    Args:
        channels, hidden: see ``Backbone``.
        share_backbone: whether actor and critic share it.
        end_as_last_treasure: whether they see what the function of this name makes of a map.
    """

    actor_outputs = ACTIONS

    def __init__(
        self,
        channels: int = 8,
        hidden: int = 128,
        share_backbone: bool = False,
        end_as_last_treasure: bool = False,
    ):
        super().__init__()
        self.end_as_last_treasure = end_as_last_treasure
        self.actor_backbone = Backbone(channels, hidden)
        self.critic_backbone = self.actor_backbone if share_backbone else Backbone(channels, hidden)
        self.actor, self.critic = nn.Linear(hidden, ACTIONS), nn.Linear(hidden, 1)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.orthogonal_(module.weight, math.sqrt(2))
                nn.init.zeros_(module.bias)
        nn.init.orthogonal_(self.actor.weight, 0.01)
        nn.init.orthogonal_(self.critic.weight, 1.0)

    def _see(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        maps, vectors, legal = unpack(observations)
        return end_as_last_treasure(maps, vectors) if self.end_as_last_treasure else maps, vectors, legal

    def forward(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities ``(batch, 16)`` and values ``(batch,)`` of packed observations."""
        maps, vectors, legal = self._see(observations)
        features = self.actor_backbone(maps, vectors)
        shared = self.critic_backbone is self.actor_backbone
        values = self.critic(features if shared else self.critic_backbone(maps, vectors))[:, 0]
        return torch.log_softmax(mask_logits(self.actor(features), legal), dim=1), values

    def evaluate(
        self, observations: torch.Tensor, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What learning needs: log-probabilities of actions ``(batch,)``, mean entropy, values ``(batch,)``."""
        log_probs, values = self(observations)
        return -F.nll_loss(log_probs, actions, reduction="none"), entropy_bonus(log_probs), values

    def value(self, observations: torch.Tensor) -> torch.Tensor:
        """Values ``(batch,)`` of packed observations."""
        maps, vectors, _ = self._see(observations)
        return self.critic(self.critic_backbone(maps, vectors))[:, 0]

    def noise(self, *shape: int) -> np.ndarray:
        """Gumbel noise for so many actions, from numpy's global stream: ``(*shape, 16)`` float32."""
        return np.random.gumbel(size=(*shape, ACTIONS)).astype(np.float32)

    def figures(self) -> dict[str, float]:
        """Nothing about the policy itself."""
        return {}


class RealmCritic(nn.Module):
    """Values of the actions, for DQN; an illegal action's is so low that nobody chooses it.

    Args:
        observation_shape, num_actions: as ``DQNAgent`` gives them; ``(10544,)`` and 16.
        channels, hidden: see ``Backbone``.
        end_as_last_treasure: as in ``RealmPolicy``.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...] = (PACKED,),
        num_actions: int = ACTIONS,
        channels: int = 8,
        hidden: int = 128,
        end_as_last_treasure: bool = False,
    ):
        super().__init__()
        self.end_as_last_treasure = end_as_last_treasure
        self.backbone, self.values = Backbone(channels, hidden), nn.Linear(hidden, ACTIONS)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """``(batch, 16)`` of packed observations ``(batch, 10544)``."""
        maps, vectors, legal = unpack(observations)
        maps = end_as_last_treasure(maps, vectors) if self.end_as_last_treasure else maps
        return mask_logits(self.values(self.backbone(maps, vectors)), legal)
