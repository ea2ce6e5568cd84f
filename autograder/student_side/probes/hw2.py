"""Probes of homework 2 (hyperparameters and debugging): what the judges can do with a student's functions."""

from __future__ import annotations

import numpy as np
import torch

from autograder.student_side.probes import describe, kind, number_kind, plain, probe
from autograder.student_side.probes.tensors import gradient_of, leaf
from gcb6206 import exercises
from gcb6206.env_configs import mappo_config
from gcb6206.envs import vmas as vmas_envs
from gcb6206.infrastructure import sentinel
from gcb6206.networks import team

NEEDED = ("hw2.num_envs", "hw2.expand_done", "hw2.first_nonfinite")  # by a training with TorchRL


@probe("hw2.unsolved")
def unsolved() -> dict:
    """Which exercises that a training needs have no solution yet."""
    return {"exercises": [name for name in NEEDED if exercises.get(name).implementation is None]}


@probe("hw2.num_envs")
def num_envs(frames_per_batch: int, max_steps: int) -> dict:
    """One call: what came back, or the text of the ValueError, and that text with the student's lines."""
    try:
        result = vmas_envs.num_envs(frames_per_batch, max_steps)
    except ValueError as error:
        told = {"message": str(error)[:1000], "raised": describe(error)["message"]}
        return {"refused": True, **told, "type": "", "value": ""}
    return {
        "refused": False,
        "message": "",
        "raised": "",
        "type": number_kind(result),
        "value": plain(result),
    }


@probe("hw2.expand_done")
def expand_done(done: np.ndarray, n_agents: int) -> dict:
    """One call; what came back, and the argument as it is afterwards."""
    given = torch.from_numpy(done.copy())
    result = vmas_envs.expand_done(given, n_agents)
    return {"type": kind(result), "value": plain(result), "done": plain(given)}


@probe("hw2.episode_reward_sum")
def episode_reward_sum(reward: np.ndarray, done: np.ndarray) -> dict:
    """One call; what came back, and the arguments as they are afterwards."""
    given = [torch.from_numpy(array.copy()) for array in (reward, done)]
    result = vmas_envs.episode_reward_sum(*given)
    return {
        "type": number_kind(result),
        "value": plain(result),
        "reward": plain(given[0]),
        "done": plain(given[1]),
    }


@probe("hw2.first_nonfinite")
def first_nonfinite(names: list, arrays: list) -> dict:
    """One call with tensors of these names, in this order; the tensors as they are afterwards."""
    tensors = {name: torch.from_numpy(array.copy()) for name, array in zip(names, arrays)}
    given = dict(tensors)
    result = sentinel.first_nonfinite(tensors)
    sequence = next(
        (name for name, type_ in (("tuple", tuple), ("list", list)) if isinstance(result, type_)), ""
    )
    pair = result if sequence and len(result) == 2 else (None, None)
    return {
        "returned": f"{sequence} of {len(result)}" if sequence else kind(result),
        "name": plain(pair[0]),
        "step": plain(pair[1]),
        "type": number_kind(pair[1]),
        "names": list(tensors),
        "arrays": [plain(tensor) for tensor in given.values()],
    }


@probe("hw2.tanh_normal_log_prob")
def tanh_normal_log_prob(
    mean: np.ndarray, std: np.ndarray, action: np.ndarray, low: np.ndarray, high: np.ndarray
) -> dict:
    """The log-densities, the gradient of their sum with regard to mean and std, the arguments afterwards."""
    leaf_mean, leaf_std = leaf(mean), leaf(std)
    constants = [torch.from_numpy(array.copy()) for array in (action, low, high)]
    result = team.tanh_normal_log_prob(leaf_mean, leaf_std, *constants)
    total = result.sum() if isinstance(result, torch.Tensor) else result
    of_mean, of_std = gradient_of(total, leaf_mean, leaf_std)
    arguments = zip(("mean", "std", "action", "low", "high"), (leaf_mean, leaf_std, *constants))
    return {
        "value": plain(result),
        "of_mean": of_mean,
        "of_std": of_std,
        **{name: plain(tensor) for name, tensor in arguments},
    }


@probe("hw2.tuning")
def tuning() -> dict:
    """The settings as they are written down."""
    result = mappo_config.tuning()
    return {"type": kind(result), "text": plain(result)}


@probe("hw2.convergence")
def convergence(seed: int, settings: dict, episodes: int) -> dict:
    """Trains a team with TorchRL and plays episodes with the mean actions.

    Args:
        settings: all fields of MAPPOConfig.

    Returns:
        mean_return, -inf where the training broke; figures, `(iterations,)` each; and broke, how, or "".
    """
    from gcb6206.runs.torchrl import TorchRLRun

    run = TorchRLRun(mappo_config.MAPPOConfig(**settings), seed)
    seen, broke, mean_return = [], "", -np.inf
    try:
        for figures in run.iterations():
            seen.append(figures)
        mean_return = run.evaluate(episodes, seed).mean().item()
    except (sentinel.NonFiniteError, ValueError) as error:  # a distribution refuses a NaN with a ValueError
        broke = str(error).splitlines()[0][:300]
    names = seen[0] if seen else ()
    return {
        "mean_return": mean_return,
        "figures": {name: np.array([figures[name] for figures in seen]) for name in names},
        "broke": broke,
    }
