"""V-trace (Espeholt et al. 2018): targets for values and policies out of what older weights played."""

from __future__ import annotations

import numpy as np

from gcb6206.exercises import exercise


@exercise("hw5.vtrace")
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
    lambda 1 in A_t. After the last row v_{t+1} counts as V(s_{t+1}): nothing is known beyond it. Where an episode was
    cut by its time limit, V(s_{t+1}) counts; where both flags are set, it terminated. The arguments stay as they are.

    Args:
        log_ratio: ``(T, N)`` float, log pi(a|s) of the learner's weights minus log mu(a|s) of those that acted.
        rewards, values, next_values: ``(T, N)`` float as in ``compute_gae``; values are the learner's.
        terminated, truncated: ``(T, N)`` bool.
        gamma: discount, from 0 to 1.
        trace_lambda: how far corrections reach back, from 0 to 1.
        clip_rho, clip_c: the largest weights, above 0.

    Returns:
        A pair: targets v and advantages A, ``(T, N)`` float, in the precision of the arguments.
    """


def effective_sample_size(log_ratio: np.ndarray) -> float:
    """How much of the samples their weights leave, from 1 / n to 1: (sum w)^2 / (n * sum w^2).

    >>> effective_sample_size(np.zeros(4)), effective_sample_size(np.array([0.0, -999, -999, -999]))
    (1.0, 0.25)
    """
    weights = np.exp(log_ratio - log_ratio.max())
    return float(weights.sum() ** 2 / (weights.size * (weights**2).sum()))
