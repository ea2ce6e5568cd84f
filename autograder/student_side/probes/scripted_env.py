"""An environment that plays given episodes, whatever the actions."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium as gym
import numpy as np


class ScriptedEnv(gym.Env):
    """An environment that plays given episodes, whatever the actions, and records what is done to it.

    Args:
        observation: (episode, t) -> observation.
        reward: (episode, t) -> reward of step t.
        lengths: steps of each episode, taken in turn; 0 never ends.
        terminated, truncated: what is said at the end of each episode; both may be True.
        record: receives ("reset", the seed or None), ("step", the action) and ("close", None).
        patience: steps of an episode that never ends after which the environment gives up.
        max_episode_steps: what `spec` says.
    """

    def __init__(
        self,
        observation: Callable,
        reward: Callable,
        lengths: list[int],
        terminated: list[bool],
        truncated: list[bool],
        num_actions: int,
        record: Callable,
        patience: int = 1000,
        max_episode_steps: int = 100,
        episode_info: dict | None = None,
        render: bool = False,
    ):
        self._observation, self._reward, self._record = observation, reward, record
        self._lengths, self._terminated, self._truncated = lengths, terminated, truncated
        self._patience = patience
        self.episode_info = episode_info  # of the episodes to come
        self._episode, self._t, self._ended = -1, 0, True
        self.render_mode = "rgb_array" if render else None
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": 30}
        self.spec = gym.envs.registration.EnvSpec("Scripted-v0", max_episode_steps=max_episode_steps)
        example = observation(0, 0)
        high = 255 if example.dtype == np.uint8 else np.inf
        low = 0 if example.dtype == np.uint8 else -np.inf
        self.observation_space = gym.spaces.Box(low, high, example.shape, example.dtype)
        self.action_space = gym.spaces.Discrete(num_actions)

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        super().reset(seed=seed)
        self._episode, self._t, self._ended = self._episode + 1, 0, False
        self._record("reset", seed)
        return self._observation(self._episode, 0), {}

    def step(self, action):
        if self._ended:
            raise RuntimeError("step() was called after the episode had ended; call reset() first")
        self._record("step", action)
        reward = self._reward(self._episode, self._t)
        self._t += 1
        which = self._episode % len(self._lengths)
        over = self._t == self._lengths[which]
        if self._t > self._patience:
            raise RuntimeError(f"the episode is still being played after {self._patience} steps")
        terminated, truncated = over and self._terminated[which], over and self._truncated[which]
        self._ended = over
        info: dict = {"t": self._t}  # most environments tell something at every step
        if over and self.episode_info is not None:
            info["episode"] = dict(self.episode_info)
        return self._observation(self._episode, self._t), reward, terminated, truncated, info

    def close(self):
        self._record("close", None)

    def render(self):
        return np.full((40, 60, 3), 20 * self._t + 10, dtype=np.uint8)
