"""A for loop over the steps; transitions as tuples; cv2 for the pictures."""

import cv2
import numpy as np

from gcb6206.exercises import solves


@solves("hw3.sample_trajectory")
def sample_trajectory(env, agent, max_length, render=False):
    observation, info = env.reset()
    transitions, frames = [], []
    for _ in range(max_length):
        if render:
            frame = env.render()
            frames.append(cv2.resize(frame, dsize=(250, 250), interpolation=cv2.INTER_CUBIC))
        action = agent.get_action(observation)
        following, reward, terminated, truncated, info = env.step(action)
        transitions.append((observation, action, reward, following, terminated))
        observation = following
        if terminated or truncated:
            break
    names = ("observation", "action", "reward", "next_observation", "terminal")
    trajectory = {name: np.array(values, dtype=np.float32) for name, values in zip(names, zip(*transitions))}
    trajectory["image_obs"] = np.array(frames, dtype=np.uint8)
    statistics = {"l": len(transitions), "r": sum(t[2] for t in transitions)}
    trajectory["episode_statistics"] = {**statistics, **info.get("episode", {})}
    return trajectory
