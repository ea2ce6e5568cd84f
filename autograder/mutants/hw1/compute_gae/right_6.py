"""A named tuple, float32."""

import collections

import numpy as np

from gcb6206.exercises import solves


@solves("hw1.compute_gae")
def compute_gae(rewards, values, next_values, terminated, truncated, gamma, gae_lambda):
    G = collections.namedtuple("G", "a r")
    d = rewards + gamma * next_values * (1 - terminated) - values
    a = np.zeros(d.shape, np.float32)
    f = 0
    for t in range(len(d) - 1, -1, -1):
        f = d[t] + gamma * gae_lambda * f * (1 - np.maximum(terminated[t], truncated[t]))
        a[t] = f
    return G(a, a + values)
