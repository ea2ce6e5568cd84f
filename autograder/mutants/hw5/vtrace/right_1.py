"""The paper's sum, written out."""

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
    steps, games = rewards.shape
    targets, advantages = np.array(values), np.zeros_like(values)
    for n in range(games):
        for s in range(steps):
            weight, total = 1.0, 0.0
            for t in range(s, steps):
                ratio = np.exp(log_ratio[t, n])
                ahead = 0.0 if terminated[t, n] else gamma * next_values[t, n]
                total += weight * min(clip_rho, ratio) * (rewards[t, n] + ahead - values[t, n])
                if terminated[t, n] or truncated[t, n]:
                    break
                weight *= gamma * trace_lambda * min(clip_c, ratio)
            targets[s, n] += total
    for n in range(games):
        for s in range(steps):
            ahead = 0.0 if terminated[s, n] else next_values[s, n]
            if s < steps - 1 and not (terminated[s, n] or truncated[s, n]):
                ahead = ahead + trace_lambda * (targets[s + 1, n] - values[s + 1, n])
            rho = min(clip_rho, np.exp(log_ratio[s, n]))
            advantages[s, n] = rho * (rewards[s, n] + gamma * ahead - values[s, n])
    return targets, advantages
