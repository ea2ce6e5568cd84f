"""Rollouts: playing whole episodes with an agent and keeping what happened."""

from __future__ import annotations

import cv2
import gymnasium as gym
import numpy as np

from gcb6206.exercises import exercise

VIDEO_SIZE = 250


@exercise("hw3.sample_trajectory")
def sample_trajectory(env: gym.Env, agent, max_length: int, render: bool = False) -> dict:
    """Play one episode with ``agent.get_action(observation)`` and return everything that happened.

    The episode begins with ``env.reset()``, without a seed: the next trajectory is another episode. It ends when
    the environment terminates or truncates it, and after ``max_length`` steps at the latest. What is stored under
    ``terminal`` is *terminated* alone: being cut short is not an end, and an episode may terminate at the very
    step at which its time runs out.

    Args:
        env: a Gymnasium environment; made with ``render_mode="rgb_array"`` where ``render`` is True.
        agent: anything with ``get_action(observation)``.
        max_length: the largest number of steps, at least 1.
        render: keep a picture of the state before every step.

    Returns:
        Arrays over the T steps of the episode, float32: ``observation`` and ``next_observation`` ``(T, ...)``,
        ``action``, ``reward``, ``terminal`` ``(T,)``; ``image_obs`` ``(T, 250, 250, 3)`` uint8 (empty without
        ``render``); and ``episode_statistics``, a dict with the length ``l`` and the return ``r``, overwritten
        by ``info["episode"]`` where a wrapper provides it.
    """


def sample_n_trajectories(
    env: gym.Env, agent, ntraj: int, max_length: int, render: bool = False
) -> list[dict]:
    """Play ``ntraj`` episodes; a list of what ``sample_trajectory`` returns.

    Raises:
        ValueError: no episodes or no steps are asked for.
    """
    if ntraj < 1 or max_length < 1:
        raise ValueError(f"ntraj is {ntraj} and max_length {max_length}: expected at least 1 of each")
    return [sample_trajectory(env, agent, max_length, render) for _ in range(ntraj)]


def render_frame(env: gym.Env) -> np.ndarray:
    """A picture of the environment's state, ``(250, 250, 3)`` uint8.

    Raises:
        ValueError: the environment was made without ``render_mode="rgb_array"``.
    """
    frame = env.render()
    if isinstance(frame, list):
        frame = frame[-1]
    if frame is None:
        raise ValueError(f"{env} gives no picture: make it with render_mode='rgb_array'")
    return cv2.resize(np.asarray(frame), dsize=(VIDEO_SIZE, VIDEO_SIZE), interpolation=cv2.INTER_AREA)
