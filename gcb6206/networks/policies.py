"""Policies with their critics: from an observation to a distribution over actions, and to a value.

Sampling is a function of the policy's output and of noise that does not depend on it, so that the noise of a
whole rollout is drawn at once: the largest of logits plus Gumbel noise is a sample of the categorical
distribution, the tanh of mean plus scaled normal noise one of the tanh-normal distribution.
"""

from __future__ import annotations

import math

import gymnasium as gym
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gcb6206.exercises import exercise
from gcb6206.networks.small_mlp import TwinMLP


@exercise("hw1.entropy_bonus")
def entropy_bonus(log_probs: torch.Tensor) -> torch.Tensor:
    """The entropy of categorical policies, averaged over the batch.

        H = mean over s of  -sum over a of p(a|s) log p(a|s)

    PPO adds it to what is maximised: it keeps a policy from becoming certain too early.

    Args:
        log_probs: ``(batch, actions)``, log p(a|s) of all actions; the probabilities of each row sum to 1, and
            some may round to 0.

    Returns:
        A scalar tensor, 0 for a policy that is certain, log(actions) for a uniform one. Gradients flow
        through it, and are numbers for a certain policy too.
    """


@exercise("hw1.tanh_normal_log_prob")
def tanh_normal_log_prob(mean: torch.Tensor, log_std: torch.Tensor, pre_tanh: torch.Tensor) -> torch.Tensor:
    """Log-density of actions ``a = tanh(u)`` where ``u`` is normal, with independent components.

        log p(a) = sum over the components of  log N(u; mean, std) - log(1 - tanh(u)^2)

    The second term is the change of variables: tanh squeezes the line into (-1, 1), so the density rises
    where it squeezes most. Far out ``1 - tanh(u)^2`` rounds to 0; its logarithm is ``log_tanh_slope(u)``.

    Args:
        mean: ``(batch, components)``.
        log_std: ``(components,)``, the logarithm of the standard deviation, from -30 to 30; nothing else limits it.
        pre_tanh: ``(batch, components)``, u, of any size, a constant for the gradient.

    Returns:
        ``(batch,)``.
    """


class ActorCritic(nn.Module):
    """Actor and critic as separate tanh networks; a subclass says what the actor's output means.

    Args:
        observation_size: features of one observation.
        actor_outputs: numbers that the actor gives.
        hidden: units of each hidden layer, of both networks.
    """

    def __init__(self, observation_size: int, actor_outputs: int, hidden: list[int]):
        super().__init__()
        self.observation_size = observation_size
        self.actor_outputs = actor_outputs
        self.network = TwinMLP(observation_size, hidden, actor_outputs)

    def value(self, observations: torch.Tensor) -> torch.Tensor:
        """V of observations ``(batch, features)``: ``(batch,)``."""
        return self.network(observations)[1]

    def evaluate(
        self, observations: torch.Tensor, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What learning needs of observations ``(batch, features)`` and policy's actions ``(batch, ...)``.

        Returns:
            Log-probabilities ``(batch,)``, mean entropy (a scalar), values ``(batch,)``.
        """
        raise NotImplementedError

    def noise(self, *shape: int) -> np.ndarray:
        """Noise for so many actions, from numpy's global stream: ``(*shape, actor outputs)`` float32."""
        raise NotImplementedError

    def act(self, observations: np.ndarray, noise: np.ndarray | None) -> np.ndarray:
        """The policy's actions at observations ``(N, features)``: with a row of noise for each, or greedy."""
        raise NotImplementedError

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        """The policy's actions as the environment takes them."""
        raise NotImplementedError

    def figures(self) -> dict[str, float]:
        """What is worth logging about the policy itself."""
        return {}


class CategoricalPolicy(ActorCritic):
    """One of n numbered actions; the actor gives logits.

    Args:
        observation_size, hidden: as in ``ActorCritic``.
        space: the environment's ``Discrete`` action space.
    """

    def __init__(self, observation_size: int, hidden: list[int], space: gym.spaces.Discrete):
        super().__init__(observation_size, int(space.n), hidden)
        self.start = int(space.start)

    def evaluate(self, observations, actions):
        """Actions are whole numbers ``(batch,)``, from 0."""
        logits, values = self.network(observations)
        log_probs = torch.log_softmax(logits, dim=1)
        log_prob = -F.nll_loss(log_probs, actions, reduction="none")
        return log_prob, entropy_bonus(log_probs), values

    def noise(self, *shape):
        return np.random.gumbel(size=(*shape, self.actor_outputs)).astype(np.float32)

    def act(self, observations, noise):
        logits = self.network.actor(observations)
        return (logits if noise is None else logits + noise).argmax(axis=1)

    def to_env(self, actions):
        return actions + self.start


class TanhNormalPolicy(ActorCritic):
    """Real-valued actions inside bounds; the actor gives the mean of a normal distribution before the tanh.

    The policy's actions are those before the tanh: what it squeezed to the bound could not be taken back
    exactly.

    Args:
        observation_size, hidden: as in ``ActorCritic``.
        space: the environment's one-dimensional, bounded ``Box`` action space.
        log_std_init: logarithm of the standard deviation at the start; it is learned, one for each component.
    """

    def __init__(
        self, observation_size: int, hidden: list[int], space: gym.spaces.Box, log_std_init: float = 0.0
    ):
        super().__init__(observation_size, space.shape[0], hidden)
        self.log_std = nn.Parameter(torch.full(space.shape, float(log_std_init)))
        self.low, self.high = space.low, space.high

    def evaluate(self, observations, actions):
        """Actions are ``(batch, components)``, before the tanh.

        The entropy has no closed form. Its estimate is that of the normal distribution plus the mean of
        log(1 - tanh(u)^2) over fresh samples u, through which the gradient flows.
        """
        mean, values = self.network(observations)
        log_prob = tanh_normal_log_prob(mean, self.log_std, actions)
        fresh = mean + self.log_std.exp() * torch.randn_like(mean)
        normal_entropy = (self.log_std + 0.5 * math.log(2 * math.pi * math.e)).sum()
        entropy = normal_entropy + log_tanh_slope(fresh).sum(dim=1).mean()
        return log_prob, entropy, values

    def noise(self, *shape):
        return np.random.standard_normal(size=(*shape, self.actor_outputs)).astype(np.float32)

    def act(self, observations, noise):
        mean = self.network.actor(observations)
        return mean if noise is None else mean + self.log_std.detach().exp().numpy() * noise

    def to_env(self, actions):
        """From the line into the bounds of the environment."""
        return self.low + (np.tanh(actions) + 1.0) * 0.5 * (self.high - self.low)

    def figures(self):
        return {"std": self.log_std.detach().exp().mean().item()}


def make_policy(
    observation_space: gym.Space, action_space: gym.Space, hidden: list[int], log_std_init: float = 0.0
) -> ActorCritic:
    """The policy that fits an environment's spaces.

    Raises:
        ValueError: names the space that no policy fits, and the cure.
    """
    if not isinstance(observation_space, gym.spaces.Box) or len(observation_space.shape) != 1:
        raise ValueError(
            f"unsupported observation space {observation_space}: PPO needs a Box of shape (features,); "
            "gymnasium.wrappers.FlattenObservation makes one"
        )
    size = observation_space.shape[0]
    if isinstance(action_space, gym.spaces.Discrete):
        return CategoricalPolicy(size, hidden, action_space)
    if (
        isinstance(action_space, gym.spaces.Box)
        and len(action_space.shape) == 1
        and action_space.is_bounded()
        and np.issubdtype(action_space.dtype, np.floating)
    ):
        return TanhNormalPolicy(size, hidden, action_space, log_std_init)
    raise ValueError(
        f"unsupported action space {action_space}: PPO needs Discrete(n), or a Box of shape (components,) "
        "with finite bounds, which gymnasium.wrappers.RescaleAction gives"
    )


def log_tanh_slope(u: torch.Tensor) -> torch.Tensor:
    """log(1 - tanh(u)^2), the logarithm of tanh's slope, exact also where the slope rounds to 0."""
    return 2.0 * (math.log(2.0) - u - F.softplus(-2.0 * u))
