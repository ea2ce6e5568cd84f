"""An environment whose observations and actions go by other numbers; see autograder/trusted/judges/convergence.py."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium as gym
import numpy as np


def disguised(
    make_env: Callable[..., gym.Env], mix: np.ndarray, actions: np.ndarray
) -> Callable[..., gym.Env]:
    """`make_env` in disguise: its environments show `observation @ mix`, and take `a` for their `actions[a]`.

    Args:
        make_env: makes environments with observations `(features,)` and `Discrete` actions.
        mix: float32 `(features, features)`.
        actions: `(actions,)`, a permutation.
    """

    def make(render: bool = False) -> gym.Env:
        env = make_env(render)
        space = gym.spaces.Box(-np.inf, np.inf, mix.shape[1:], mix.dtype)
        env = gym.wrappers.TransformObservation(env, lambda observation: observation @ mix, space)
        return gym.wrappers.TransformAction(env, lambda action: int(actions[action]), env.action_space)

    return make
