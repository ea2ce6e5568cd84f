"""PPO for the realm: that of ``ppo_agent``, with what the one who acts knows kept for the one who learns.

Actions come with their log-probabilities and values, computed by the very weights that chose them, and are never
computed again: once acting and learning happen in different processes, the learner's weights are others.

``RealmDQNAgent`` is homework 3's DQN on the same observations, as a baseline.

The agents hold no environment. ``act`` turns observations into actions; whoever collects owns the games.
"""

from __future__ import annotations

import numpy as np
import torch

from gcb6206.agents.dqn_agent import DQNAgent
from gcb6206.agents.ppo_agent import PPOAgent, compute_gae
from gcb6206.envs.realm.game import ACTIONS
from gcb6206.exercises import exercise
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.networks.realm import PACKED, RealmPolicy, pack


@exercise("hw5.behaviour_log_prob")
def behaviour_log_prob(
    policy: RealmPolicy, observations: np.ndarray, noise: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Choose actions, and keep what only the one who acts can know: their log-probabilities and the values.

    The policy is asked once, without gradients. An action is the one with the largest sum of log-probability and noise:
    with Gumbel noise that is a draw from the policy. What is kept is the action's log-probability as the policy gave
    it, without the noise. The arguments and all random streams stay as they are.

    Args:
        policy: called with a tensor of the observations, it returns log-probabilities ``(N, actions)`` and values
            ``(N,)``. At the next call its weights may be others.
        observations: packed, ``(N, 10544)`` uint8.
        noise: ``(N, actions)`` float32; None takes the likeliest actions.

    Returns:
        Arrays ``(N,)``: actions int64, their log-probabilities float32, values float32.
    """


class RealmAgent(PPOAgent):
    """Masked actor and critic on packed observations; arguments as in ``PPOAgent``, without normalised observations."""

    policy: RealmPolicy

    def act(self, observations: np.ndarray, noise: np.ndarray | None = None):
        """Choose legal actions for several games at once.

        Args:
            observations: packed, ``(N, 10544)`` uint8.
            noise: a row of what ``policy.noise`` drew; None acts greedily.

        Returns:
            Actions ``(N,)``, the log-probability of each, and the observations' values.
        """
        return behaviour_log_prob(self.policy, observations, noise)

    def greedy(self, observation: dict[str, np.ndarray]) -> np.ndarray:
        """The likeliest legal actions ``(N,)`` at observations as the environment gives them."""
        return self.act(pack(observation))[0]

    def values(self, observations: np.ndarray) -> np.ndarray:
        """Values ``(N,)`` of packed observations."""
        with torch.no_grad():
            return self.policy.value(torch.from_numpy(observations)).numpy()

    def prepare(self, rollout: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
        """What ``update`` learns from: the rollout's samples with advantages and returns.

        Args:
            rollout: arrays ``(T, N, ...)``: observations (packed), actions, log_probs, values, next_values, rewards,
                terminated, truncated.

        Returns:
            Tensors over the ``T * N`` samples: observations, actions, log_probs, values, advantages, returns.
        """
        rewards = rollout["rewards"]
        if self.reward_normalizer:
            ended = rollout["terminated"] | rollout["truncated"]
            rewards = self.reward_normalizer.update_and_normalize(rewards, ended)
        advantages, returns = compute_gae(
            rewards,
            rollout["values"],
            rollout["next_values"],
            rollout["terminated"],
            rollout["truncated"],
            self.gamma,
            self.gae_lambda,
        )
        kept = {name: rollout[name] for name in ("observations", "actions", "log_probs", "values")}
        samples = {**kept, "advantages": advantages, "returns": returns}
        return {name: ptu.from_numpy(values).flatten(0, 1) for name, values in samples.items()}


class RealmDQNAgent(DQNAgent):
    """The homework's agent on packed observations, for several games at once.

    Args:
        exploration: the probability of a random legal action where noise is given.
        kwargs: as ``DQNAgent`` takes them.
    """

    def __init__(self, exploration: float = 0.0, **kwargs):
        super().__init__((PACKED,), ACTIONS, **kwargs)
        self.exploration = exploration

    @property
    def policy(self) -> RealmDQNAgent:
        """Whoever plays asks it for noise."""
        return self

    def noise(self, *shape: int) -> np.ndarray:
        """Numbers from 0 to 1 from numpy's global stream: one for exploring or not, one for each action."""
        return np.random.random((*shape, 1 + ACTIONS)).astype(np.float32)

    @torch.no_grad()
    def act(self, observations: np.ndarray, noise: np.ndarray | None = None) -> tuple[np.ndarray]:
        """The best legal action of each game, or a random one; alone in a tuple, as ``RealmAgent.act`` begins.

        Args:
            observations: packed, ``(N, 10544)`` uint8.
            noise: a row of what ``noise`` drew; None acts greedily.
        """
        best = self.critic(torch.from_numpy(observations)).argmax(1).numpy()
        if noise is None:
            return (best,)
        legal = observations[:, -ACTIONS:].astype(bool)
        drawn = np.where(legal, noise[:, 1:], -1.0).argmax(1)
        return (np.where(noise[:, 0] < self.exploration, drawn, best),)

    def greedy(self, observation: dict[str, np.ndarray]) -> np.ndarray:
        """The best legal actions ``(N,)`` at observations as the environment gives them."""
        return self.act(pack(observation))[0]
