"""V-trace (Espeholt et al. 2018): targets for values and policies out of what older weights played."""

from __future__ import annotations

import numpy as np


def vtrace(
    log_ratio: np.ndarray,
    rewards: np.ndarray,
    values: np.ndarray,
    next_values: np.ndarray,
    terminated: np.ndarray,
    truncated: np.ndarray,
    gamma: float,
    trace_lambda: float = 1.0,
    clip_rho: float = 1.0,
    clip_c: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Value targets and advantages, corrected for the difference of two policies.

        rho_t   = min(clip_rho, pi(a|s) / mu(a|s)),   c_t = lambda * min(clip_c, pi(a|s) / mu(a|s))
        delta_t = rho_t * (r_t + gamma * V(s_{t+1}) - V(s_t))              V(s_{t+1}) is 0 where t terminated
        v_t     = V(s_t) + delta_t + gamma * c_t * (v_{t+1} - V(s_{t+1}))  the last part is 0 where an episode ended
        A_t     = delta_t + gamma * lambda * rho_t * (v_{t+1} - V(s_{t+1}))                              likewise

    Where both policies are the same, A_t is the advantage of GAE with the same lambda, and v_t its return. The paper has
    lambda 1 in A_t.

    >>> ones = np.ones((3, 1))
    >>> never = np.zeros((3, 1), bool)
    >>> ended = np.array([[False], [False], [True]])
    >>> targets, _ = vtrace(0 * ones, ones, 0 * ones, 0 * ones, ended, never, gamma=1.0)
    >>> targets[:, 0].tolist()
    [3.0, 2.0, 1.0]

    Args:
        log_ratio: ``(T, N)``, log pi(a|s) of the learner's weights minus log mu(a|s) of those that acted.
        rewards, values, next_values, terminated, truncated: ``(T, N)`` as in ``compute_gae``; values are the learner's.
        gamma: discount.
        trace_lambda: how far corrections reach back, from 0 to 1.
        clip_rho, clip_c: the largest weights.

    Returns:
        Targets v and advantages A, ``(T, N)``.
    """
    ratio = np.exp(log_ratio)
    rho, c = np.minimum(clip_rho, ratio), trace_lambda * np.minimum(clip_c, ratio)
    following = next_values * ~terminated
    same_episode = ~(terminated | truncated)
    deltas = rho * (rewards + gamma * following - values)
    targets, advantages = np.empty_like(deltas), np.empty_like(deltas)
    excess = np.zeros_like(deltas[0])  # v_{t+1} - V(s_{t+1})
    for t in reversed(range(len(rewards))):
        carried = gamma * excess * same_episode[t]
        advantages[t] = deltas[t] + trace_lambda * rho[t] * carried
        excess = deltas[t] + c[t] * carried
        targets[t] = values[t] + excess
    return targets, advantages


def effective_sample_size(log_ratio: np.ndarray) -> float:
    """How much of the samples their weights leave, from 1 / n to 1: (sum w)^2 / (n * sum w^2).

    >>> effective_sample_size(np.zeros(4)), effective_sample_size(np.array([0.0, -999, -999, -999]))
    (1.0, 0.25)
    """
    weights = np.exp(log_ratio - log_ratio.max())
    return float(weights.sum() ** 2 / (weights.size * (weights**2).sum()))
