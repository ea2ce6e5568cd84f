"""With np.where at the ends, as a list."""

import numpy as np

from gcb6206.exercises import solves


@solves("hw1.compute_gae")
def compute_gae(rewards, values, next_values, terminated, truncated, gamma, gae_lambda):
    end = np.logical_or(terminated, truncated)
    nt = 1.0 - terminated.astype(float)
    adv = np.zeros_like(rewards)
    last = np.zeros(rewards.shape[1])
    for t in range(rewards.shape[0] - 1, -1, -1):
        delta = rewards[t] + gamma * next_values[t] * nt[t] - values[t]
        last = np.where(end[t], delta, delta + gamma * gae_lambda * last)
        adv[t] = last
    return [adv, adv + values]
