"""Running statistics that bring observations and rewards to a common scale; saved with the checkpoint."""

from __future__ import annotations

import numpy as np

CLIP = 10.0  # standard deviations: what lies further out is cut, as in Stable-Baselines3's VecNormalize


class RunningMoments:
    """Mean and variance of everything seen so far, one batch at a time (Chan et al. 1983), in float64.

    >>> moments = RunningMoments(())
    >>> moments.update(np.array([1.0, 2.0])), moments.update(np.array([6.0]))
    (None, None)
    >>> float(moments.mean), round(float(moments.var), 3)
    (3.0, 4.667)

    Args:
        shape: of one sample.
    """

    def __init__(self, shape: tuple[int, ...]):
        self.count = 0
        self.mean = np.zeros(shape)
        self.var = np.ones(shape)

    def update(self, samples: np.ndarray) -> None:
        """Take samples ``(..., *shape)`` in."""
        samples = np.asarray(samples, np.float64).reshape(-1, *self.mean.shape)
        count = self.count + len(samples)
        delta = samples.mean(axis=0) - self.mean
        squares = self.var * self.count + samples.var(axis=0) * len(samples)
        self.var = (squares + delta**2 * self.count * len(samples) / count) / count
        self.mean = self.mean + delta * len(samples) / count
        self.count = count

    def state(self) -> dict:
        """Numbers and arrays that ``load_state`` takes up."""
        return {"count": self.count, "mean": np.array(self.mean), "var": np.array(self.var)}

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        self.count, self.mean, self.var = state["count"], state["mean"], state["var"]


class ObservationNormalizer(RunningMoments):
    """Observations as standard deviations from their running mean, cut at ``CLIP``."""

    def normalize(self, observations: np.ndarray) -> np.ndarray:
        """Observations ``(..., features)`` on that scale, float32. Changes no statistics."""
        scaled = (observations - self.mean) / np.sqrt(self.var + 1e-8)
        return np.clip(scaled, -CLIP, CLIP).astype(np.float32)


class RewardNormalizer(RunningMoments):
    """Rewards divided by the running standard deviation of the discounted return, cut at ``CLIP``.

    The mean is not taken off: where episodes end early, that could make another policy the best one.

    Args:
        gamma: the discount.
    """

    def __init__(self, gamma: float):
        super().__init__(())
        self.gamma = gamma
        self._return: np.ndarray | float = 0.0  # of the episodes in progress

    def update_and_normalize(self, rewards: np.ndarray, ended: np.ndarray) -> np.ndarray:
        """Take a rollout in, then scale it.

        Args:
            rewards: ``(T, N)``.
            ended: ``(T, N)`` bool, the step was the last one of its episode.

        Returns:
            ``(T, N)`` on the new scale.
        """
        returns = np.empty(rewards.shape)
        for t in range(len(rewards)):
            returns[t] = self._return = self._return * self.gamma + rewards[t]
            self._return = self._return * ~ended[t]
        self.update(returns)
        return np.clip(rewards / np.sqrt(self.var + 1e-8), -CLIP, CLIP)

    def forget_episodes(self) -> None:
        """New episodes begin everywhere."""
        self._return = 0.0
