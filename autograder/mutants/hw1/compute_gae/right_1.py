"""One environment after the other, with plain ifs."""

import numpy as np

from gcb6206.exercises import solves


@solves("hw1.compute_gae")
def compute_gae(rewards, values, next_values, terminated, truncated, gamma, gae_lambda):
    steps, envs = rewards.shape
    advantages = np.zeros((steps, envs), dtype=np.float64)
    for i in range(envs):
        running = 0.0
        for t in range(steps - 1, -1, -1):
            if terminated[t, i] or truncated[t, i]:
                running = 0.0
            following_value = 0.0 if terminated[t, i] else next_values[t, i]
            delta = rewards[t, i] + gamma * following_value - values[t, i]
            running = delta + gamma * gae_lambda * running
            advantages[t, i] = running
    return advantages, advantages + values
