"""The excess first, the advantages afterwards from all of it."""

import numpy as np

from gcb6206.exercises import solves


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
    ratio = np.exp(log_ratio)
    bootstrap = np.where(terminated, 0, next_values)
    delta = np.clip(ratio, None, clip_rho) * (rewards + gamma * bootstrap - values)
    decay = gamma * np.where(terminated | truncated, 0, 1)
    excess = delta.copy()
    for t in range(len(delta) - 2, -1, -1):
        excess[t] += trace_lambda * np.clip(ratio[t], None, clip_c) * decay[t] * excess[t + 1]
    later = np.zeros_like(excess)
    later[:-1] = excess[1:]
    advantage = delta + trace_lambda * np.clip(ratio, None, clip_rho) * decay * later
    return (values + excess).astype(delta.dtype), advantage.astype(delta.dtype)
