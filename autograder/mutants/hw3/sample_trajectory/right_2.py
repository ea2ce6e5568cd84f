"""Preallocated arrays, cut to length; next observations stored beside observations."""

import numpy as np

from gcb6206.exercises import solves
from gcb6206.infrastructure.utils import render_frame


@solves("hw3.sample_trajectory")
def sample_trajectory(env, agent, max_length, render=False):
    ob = env.reset()[0]
    states = np.zeros((max_length + 1, *np.shape(ob)), dtype=np.float32)
    scalars = np.zeros((3, max_length), dtype=np.float32)
    images = np.zeros((max_length if render else 0, 250, 250, 3), dtype=np.uint8)
    states[0], length, done = ob, 0, False
    while not done:
        if render:
            images[length] = render_frame(env)
        action = agent.get_action(ob)
        ob, reward, terminated, truncated, info = env.step(action)
        scalars[:, length] = action, reward, terminated
        length += 1
        states[length] = ob
        done = terminated | truncated | (length == max_length)
    statistics = {"l": length, "r": float(scalars[1, :length].sum())}
    statistics |= info["episode"] if "episode" in info else {}
    return dict(
        observation=states[:length],
        next_observation=states[1 : length + 1],
        action=scalars[0, :length],
        reward=scalars[1, :length],
        terminal=scalars[2, :length],
        image_obs=images[:length],
        episode_statistics=statistics,
    )
