"""Collecting rollouts from vector environments, and playing whole episodes for evaluation."""

from __future__ import annotations

from collections import deque

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from gcb6206.agents.ppo_agent import PPOAgent
from gcb6206.infrastructure.utils import render_frame

REMEMBERED = 100  # episodes in the running means of return, length and success, as in Stable-Baselines3


class RolloutCollector:
    """Steps the environments with an agent and keeps what happened, from one rollout to the next.

    Args:
        env: environments that reset in the same step.
        n_steps: steps of every environment in one rollout.

    Attributes:
        returns, lengths, successes: of the last episodes that ended; successes where ``info`` tells them.
    """

    def __init__(self, env: VectorEnv, n_steps: int):
        self.env, self.n_steps = env, n_steps
        self.returns: deque[float] = deque(maxlen=REMEMBERED)
        self.lengths: deque[int] = deque(maxlen=REMEMBERED)
        self.successes: deque[float] = deque(maxlen=REMEMBERED)

    def restart(self, seed: int) -> None:
        """Begin new episodes in all environments, from a seed."""
        observation, _ = self.env.reset(seed=seed)
        self._observation = np.asarray(observation, np.float32)
        self._return = np.zeros(self.env.num_envs)
        self._length = np.zeros(self.env.num_envs, np.int64)

    def collect(self, agent: PPOAgent) -> dict[str, np.ndarray]:
        """Play ``n_steps`` steps in every environment.

        Returns:
            Arrays ``(T, N, ...)``: observations and next_observations float32 (where an episode ended, its
            own last observation), the policy's actions, rewards float64, terminated and truncated bool.

        Raises:
            ValueError: a reward is NaN or infinite.
        """
        num_envs = self.env.num_envs
        noise = agent.policy.noise(self.n_steps, num_envs)
        observations = np.empty((self.n_steps + 1, num_envs, self._observation.shape[1]), np.float32)
        rewards = np.empty((self.n_steps, num_envs))
        terminated, truncated = np.empty((2, self.n_steps, num_envs), bool)
        actions, last_observations = [], []
        observations[0] = self._observation
        for t in range(self.n_steps):
            action, env_action = agent.act(observations[t], noise[t])
            observations[t + 1], rewards[t], terminated[t], truncated[t], info = self.env.step(env_action)
            actions.append(action)
            if "final_obs" in info:
                for i in np.flatnonzero(info["_final_obs"]):
                    last_observations.append((t, i, info["final_obs"][i]))
                self._note_successes(info)
        self._observation = observations[-1].copy()
        next_observations = observations[1:].copy()
        for t, i, observation in last_observations:
            next_observations[t, i] = observation
        _check_rewards(rewards)
        self._note_episodes(rewards, terminated | truncated)
        return {
            "observations": observations[:-1],
            "next_observations": next_observations,
            "actions": np.stack(actions),
            "rewards": rewards,
            "terminated": terminated,
            "truncated": truncated,
        }

    def _note_episodes(self, rewards: np.ndarray, ended: np.ndarray) -> None:
        """Add up returns and lengths, and remember those of the episodes that ended, in their order."""
        begin = 0
        for end in np.flatnonzero(ended.any(axis=1)):
            over = ended[end]
            self._return += rewards[begin : end + 1].sum(axis=0)
            self._length += end + 1 - begin
            self.returns.extend(self._return[over].tolist())
            self.lengths.extend(self._length[over].tolist())
            self._return[over] = self._length[over] = 0
            begin = end + 1
        self._return += rewards[begin:].sum(axis=0)
        self._length += len(rewards) - begin

    def _note_successes(self, info: dict) -> None:
        final = info.get("final_info", {})
        if "is_success" in final:
            self.successes.extend(np.asarray(final["is_success"], float)[info["_final_obs"]].tolist())

    def figures(self) -> dict[str, float]:
        """Means over the last episodes, under Stable-Baselines3's tags; empty before the first one ended."""
        remembered = {
            "rollout/ep_rew_mean": self.returns,
            "rollout/ep_len_mean": self.lengths,
            "rollout/success_rate": self.successes,
        }
        return {tag: float(np.mean(values)) for tag, values in remembered.items() if values}

    def state(self) -> dict:
        """The last episodes' figures; episodes in progress are not kept."""
        return {name: list(getattr(self, name)) for name in ("returns", "lengths", "successes")}

    def load_state(self, state: dict) -> None:
        """Take up what ``state`` gave."""
        for name, values in state.items():
            getattr(self, name).extend(values)


def play_episodes(
    env: VectorEnv, agent: PPOAgent, seed: int, longest: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Play the first episode of every environment greedily.

    Args:
        env: environments that reset in the same step.
        agent: acts without noise.
        seed: of the episodes.
        longest: steps after which an episode counts as it is.

    Returns:
        Returns, lengths and successes, each ``(N,)``; successes are None where ``info`` does not tell them.
    """
    observations, _ = env.reset(seed=seed)
    returns, lengths = np.zeros(env.num_envs), np.zeros(env.num_envs, np.int64)
    successes, playing = None, np.ones(env.num_envs, bool)
    for _ in range(longest):
        _, env_actions = agent.act(observations)
        observations, rewards, terminated, truncated, info = env.step(env_actions)
        returns += rewards * playing
        lengths += playing
        ended = playing & (terminated | truncated)
        if ended.any() and "is_success" in info.get("final_info", {}):
            successes = np.zeros(env.num_envs) if successes is None else successes
            successes[ended] = np.asarray(info["final_info"]["is_success"], float)[ended]
        playing &= ~ended
        if not playing.any():
            break
    return returns, lengths, successes


def film_episode(env: gym.Env, agent: PPOAgent, seed: int, longest: int) -> np.ndarray:
    """Pictures ``(time, height, width, 3)`` of one greedy episode.

    Args:
        env: one environment that gives pictures.
        agent: acts without noise.
        seed: of the episode.
        longest: pictures after which it is cut.
    """
    observation, _ = env.reset(seed=seed)
    pictures, over = [render_frame(env)], False
    while not over and len(pictures) < longest:
        action = agent.act(np.asarray(observation)[None])[1][0]
        observation, _, terminated, truncated, _ = env.step(action)
        pictures.append(render_frame(env))
        over = terminated or truncated
    return np.array(pictures)


def _check_rewards(rewards: np.ndarray) -> None:
    """Refuse rewards that would turn every weight into NaN."""
    if not np.isfinite(rewards).all():
        t, i = np.argwhere(~np.isfinite(rewards))[0]
        raise ValueError(
            f"the reward is {rewards[t, i]} at step {t} of the rollout in environment {i}: repair the "
            "environment's reward, such as a division by 0 or the root of a negative number"
        )
