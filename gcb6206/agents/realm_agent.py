"""PPO for the realm: that of ``ppo_agent``, with what the one who acts knows kept for the one who learns.

Actions come with their log-probabilities and values, computed by the very weights that chose them, and are never
computed again: once acting and learning happen in different processes, the learner's weights are others.

The agent holds no environment. ``act`` turns observations into actions; whoever collects owns the games.
"""

from __future__ import annotations

import numpy as np
import torch

from gcb6206.agents.ppo_agent import PPOAgent, compute_gae
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.networks.realm import RealmPolicy, pack


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
        with torch.no_grad():
            log_probs, values = self.policy(torch.from_numpy(observations))
        log_probs = log_probs.numpy()
        actions = (log_probs if noise is None else log_probs + noise).argmax(axis=1)
        return actions, np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0], values.numpy()

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
