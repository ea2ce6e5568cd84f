"""Stores rollout_done as terminal."""

import numpy as np

from gcb6206.exercises import solves
from gcb6206.infrastructure.utils import render_frame

HINT = "store terminated alone"


@solves("hw3.sample_trajectory")
def sample_trajectory(env, agent, max_length, render=False):
    ob, _ = env.reset()
    obs, acs, rewards, next_obs, terminals, image_obs = [], [], [], [], [], []
    steps = 0
    while True:
        if render:
            image_obs.append(render_frame(env))
        ac = agent.get_action(ob)
        next_ob, rew, terminated, truncated, info = env.step(ac)
        steps += 1
        rollout_done = terminated or truncated or steps >= max_length
        obs.append(ob)
        acs.append(ac)
        rewards.append(rew)
        next_obs.append(next_ob)
        terminals.append(rollout_done)
        ob = next_ob
        if rollout_done:
            break
    episode_statistics = {"l": steps, "r": np.sum(rewards)}
    if "episode" in info:
        episode_statistics.update(info["episode"])
    return {
        "observation": np.array(obs, dtype=np.float32),
        "image_obs": np.array(image_obs, dtype=np.uint8),
        "reward": np.array(rewards, dtype=np.float32),
        "action": np.array(acs, dtype=np.float32),
        "next_observation": np.array(next_obs, dtype=np.float32),
        "terminal": np.array(terminals, dtype=np.float32),
        "episode_statistics": episode_statistics,
    }
