"""Looks no more than 32 steps ahead."""

import numpy as np

from gcb6206.exercises import solves

HINT = "however far away"


@solves("hw5.vtrace")
def vtrace(
    log_ratio,
    rewards,
    values,
    next_values,
    terminated,
    truncated,
    gamma,
    trace_lambda=1.0,
    clip_rho=1.0,
    clip_c=1.0,
):
    ratio, goes_on = np.exp(log_ratio), ~(terminated | truncated)
    rho, c = np.minimum(clip_rho, ratio), trace_lambda * np.minimum(clip_c, ratio)
    deltas = rho * (rewards + gamma * next_values * ~terminated - values)
    excess = np.zeros_like(deltas)
    for t in range(len(deltas)):
        weight = np.ones_like(deltas[0])
        for k in range(t, min(t + 32, len(deltas))):
            excess[t] += weight * deltas[k]
            weight = weight * gamma * c[k] * goes_on[k]
    later = np.concatenate([excess[1:], 0 * excess[:1]])
    return values + excess, deltas + gamma * trace_lambda * rho * later * goes_on
