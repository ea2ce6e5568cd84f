"""Several environments stepped as one, which begin a new episode in the very step that ends one.

With this autoreset (Gymnasium's ``SAME_STEP``) every row of a rollout is a real transition: an ended
episode's last observation comes as ``info["final_obs"]``, and the observation returned belongs to the next
episode already. With ``NEXT_STEP`` the row after each end would be a step that nobody took, with reward 0,
across two episodes.
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

import gcb6206.envs  # noqa: F401  (registers the course's own)
from gcb6206.errors import ConfigError, nearest


class SameStepCartPole(CartPoleVectorEnv):
    """Gymnasium's CartPole for many carts at once, with new episodes in the same step."""

    metadata = {**CartPoleVectorEnv.metadata, "autoreset_mode": AutoresetMode.SAME_STEP}

    def step(self, action):
        """One step of every cart, as in the class above but for the autoreset."""
        observation, reward, terminated, truncated, info = super().step(action)
        over = self.prev_done
        if over.any():
            info = {"final_obs": observation.copy(), "_final_obs": over}
            self.state[:, over] = self.np_random.uniform(self.low, self.high, size=(4, over.sum()))
            self.steps[over] = 0
            self.prev_done = np.zeros_like(over)
            observation = self.state.T.astype(np.float32)
        return observation, reward, terminated, truncated, info


_FASTER = {"CartPole-v1": SameStepCartPole}


def make_vector_env(env_name: str, num_envs: int, **kwargs) -> VectorEnv:
    """Environments that run side by side in this process and reset in the same step.

    An environment's own vector implementation is taken where it resets in the same step, otherwise its single
    environments are stepped in turn.

    Args:
        env_name: Gymnasium id.
        num_envs: how many.
        kwargs: go to the environments.

    Raises:
        ConfigError: no environment of that name; the nearest is named.
    """
    try:
        spec = gym.spec(env_name)
    except gym.error.Error:
        raise ConfigError(
            f"unknown environment {env_name!r}: {nearest(env_name, list(gym.registry))}"
        ) from None
    if env_name in _FASTER:
        return _FASTER[env_name](num_envs, max_episode_steps=spec.max_episode_steps, **kwargs)
    if spec.vector_entry_point is not None:
        env = gym.make_vec(env_name, num_envs, vectorization_mode="vector_entry_point", **kwargs)
        if env.metadata.get("autoreset_mode") == AutoresetMode.SAME_STEP:
            return env
        env.close()
    return SyncVectorEnv(
        [lambda: gym.make(env_name, disable_env_checker=True, **kwargs)] * num_envs,
        autoreset_mode=AutoresetMode.SAME_STEP,
    )


def make_render_env(env_name: str, **kwargs) -> gym.Env:
    """One environment that gives pictures."""
    return gym.make(env_name, render_mode="rgb_array", disable_env_checker=True, **kwargs)


def set_difficulty(env: VectorEnv, difficulty: float) -> None:
    """Set the attribute ``difficulty`` of all environments; it holds from each one's next episode on.

    Raises:
        ConfigError: the environments have no such attribute.
    """
    inner = env.unwrapped
    if isinstance(inner, SyncVectorEnv):
        if not all(hasattr(single.unwrapped, "difficulty") for single in inner.envs):
            raise ConfigError(_NO_DIFFICULTY.format(inner.envs[0]))
        for single in inner.envs:
            single.unwrapped.difficulty = difficulty
    elif hasattr(inner, "difficulty"):
        inner.difficulty = difficulty
    else:
        raise ConfigError(_NO_DIFFICULTY.format(inner))


_NO_DIFFICULTY = "{} has no attribute 'difficulty', which the curriculum sets: leave difficulty_start out"
