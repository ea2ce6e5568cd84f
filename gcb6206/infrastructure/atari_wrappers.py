"""Atari as the Nature paper plays it, out of Gymnasium's own wrappers."""

from __future__ import annotations

import ale_py
import gymnasium as gym
import numpy as np
from gymnasium.wrappers import (
    AtariPreprocessing,
    FrameStackObservation,
    RecordEpisodeStatistics,
    TransformReward,
)

gym.register_envs(ale_py)


def make_atari(env_name: str, render: bool = False) -> gym.Env:
    """A game with up to 30 no-ops at the start, 4 frames an action, 84x84 grey pictures, 4 of them stacked.

    Rewards are clipped to their sign, as learning wants them. Returns are not: ``info["episode"]["r"]`` is the
    game's own score. An episode is a whole game; losing a life does not end it (Machado et al. 2018).

    Args:
        env_name: an id without frame skip, such as ``BankHeistNoFrameskip-v4``.
        render: make pictures with ``env.render()``.

    Raises:
        ValueError: the environment skips frames by itself.
    """
    env = gym.make(env_name, render_mode="rgb_array" if render else None, disable_env_checker=True)
    if getattr(env.unwrapped, "_frameskip", 1) != 1:
        raise ValueError(f"{env_name} skips frames by itself: take the NoFrameskip variant, ours skips 4")
    env = AtariPreprocessing(env, noop_max=30, frame_skip=4, screen_size=84, terminal_on_life_loss=False)
    env = RecordEpisodeStatistics(env)
    env = TransformReward(env, np.sign)
    return FrameStackObservation(env, stack_size=4)
