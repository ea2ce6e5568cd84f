"""Atari as the Nature paper plays it, out of Gymnasium's own wrappers."""

from __future__ import annotations

import ale_py
import gymnasium as gym
import numpy as np
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode
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


def make_atari_games(env_name: str, num_games: int, threads: int = 0) -> AtariVectorEnv:
    """So many copies of ``make_atari``'s game, stepped at once in C++, one picture ``(84, 84)`` a step and game.

    Same pictures, scores and ends. What differs is left to the caller: pictures are not stacked, for at a reset
    these games would fill the stack with black; rewards are the game's score, not its sign; and a game that ended
    begins anew at the next step, which ignores its action and is no step of an episode. Its first no-ops are 0 to
    30, Gymnasium's 1 to 30, and the two draw them differently.

    Args:
        env_name: an id as ``make_atari`` takes it.
        num_games: how many.
        threads: that step them; 0 takes one a core.

    Raises:
        ValueError: the environment skips frames by itself.
    """
    about = gym.spec(env_name).kwargs
    if about["frameskip"] != 1:
        raise ValueError(f"{env_name} skips frames by itself: take the NoFrameskip variant, ours skips 4")
    return AtariVectorEnv(
        about["game"],
        num_games,
        num_threads=threads,
        frameskip=4,
        stack_num=1,
        noop_max=31,  # exclusive here
        max_num_frames_per_episode=about["max_num_frames_per_episode"],
        repeat_action_probability=about["repeat_action_probability"],
        full_action_space=about["full_action_space"],
        reward_clipping=False,
        use_fire_reset=False,
        autoreset_mode=AutoresetMode.NEXT_STEP,
    )
