"""Probes of homework 1 (PPO): what the judges can do with a student's functions.

For `update` the other exercises are replaced by stand-ins that are linear in the weights, so that a judge
knows every gradient.
"""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn

from autograder.student_side.probes import kind, plain, probe
from autograder.student_side.probes.tensors import (
    gradient_of,
    leaf,
    number_of,
    pair_of,
    seed_everything,
    side_effects,
    stand_ins,
    stream_sums,
)
from autograder.student_side.world import VectorPlayedElsewhere
from gcb6206 import exercises
from gcb6206.agents import ppo_agent
from gcb6206.agents.ppo_agent import PPOAgent
from gcb6206.networks import policies


@probe("hw1.entropy_bonus")
def entropy_bonus(logits: np.ndarray) -> dict:
    """The entropy of the policies with these logits, and its gradient with regard to the logits."""
    leaf_logits = leaf(logits)
    log_probs = torch.log_softmax(leaf_logits, dim=1)
    with side_effects({"log_probs": log_probs}) as changed:
        result = policies.entropy_bonus(log_probs)
    (slope,) = gradient_of(result, leaf_logits)
    return {"type": kind(result), "value": plain(result), "gradient": slope, "changed": changed}


@probe("hw1.tanh_normal_log_prob")
def tanh_normal_log_prob(mean: np.ndarray, log_std: np.ndarray, pre_tanh: np.ndarray) -> dict:
    """The log-densities, and the gradient of their sum with regard to mean and log_std."""
    given = {"mean": leaf(mean), "log_std": leaf(log_std), "pre_tanh": torch.from_numpy(pre_tanh).float()}
    with side_effects(given) as changed:
        result = policies.tanh_normal_log_prob(*given.values())
    total = result.sum() if isinstance(result, torch.Tensor) else result
    of_mean, of_log_std = gradient_of(total, given["mean"], given["log_std"])
    return {
        "type": kind(result),
        "value": plain(result),
        "of_mean": of_mean,
        "of_log_std": of_log_std,
        "changed": changed,
    }


@probe("hw1.compute_gae")
def compute_gae(
    rewards: np.ndarray,
    values: np.ndarray,
    next_values: np.ndarray,
    terminated: np.ndarray,
    truncated: np.ndarray,
    gamma: float,
    gae_lambda: float,
) -> dict:
    """One call; what came back, and what it changed beside that."""
    arrays = {
        "rewards": rewards,
        "values": values,
        "next_values": next_values,
        "terminated": terminated,
        "truncated": truncated,
    }
    with side_effects(arrays) as changed:
        result = ppo_agent.compute_gae(*arrays.values(), gamma, gae_lambda)
    return {**pair_of(result), "changed": changed}


@probe("hw1.normalize_advantage")
def normalize_advantage(advantage: np.ndarray) -> dict:
    """One call; what came back, and what it changed beside that."""
    given = torch.from_numpy(advantage)
    with side_effects({"advantage": given}) as changed:
        result = ppo_agent.normalize_advantage(given)
    return {"type": kind(result), "value": plain(result), "changed": changed}


@probe("hw1.policy_loss")
def policy_loss(
    log_prob: np.ndarray, old_log_prob: np.ndarray, advantage: np.ndarray, clip_range: float
) -> dict:
    """The loss, and its gradient with regard to log_prob and to the advantage."""
    given = {
        "log_prob": leaf(log_prob),
        "old_log_prob": torch.from_numpy(old_log_prob).float(),
        "advantage": leaf(advantage),
    }
    with side_effects(given) as changed:
        result = ppo_agent.policy_loss(*given.values(), clip_range)
    slope, leak = gradient_of(result, given["log_prob"], given["advantage"])
    return {
        "type": kind(result),
        "value": plain(result),
        "gradient": slope,
        "of_advantage": leak,
        "changed": changed,
    }


@probe("hw1.value_loss")
def value_loss(
    value: np.ndarray, old_value: np.ndarray, returns: np.ndarray, clip_range: float | None
) -> dict:
    """The loss, and its gradient with regard to the value and to the returns."""
    given = {
        "value": leaf(value),
        "old_value": torch.from_numpy(old_value).float(),
        "returns": leaf(returns),
    }
    with side_effects(given) as changed:
        result = ppo_agent.value_loss(*given.values(), clip_range)
    slope, leak = gradient_of(result, given["value"], given["returns"])
    return {
        "type": kind(result),
        "value": plain(result),
        "gradient": slope,
        "of_returns": leak,
        "changed": changed,
    }


@probe("hw1.minibatch_indices")
def minibatch_indices(num_samples: int, batch_size: int, calls: int, seeds: list) -> dict:
    """Some calls in a row, after each of these seeds.

    Returns:
        The types of the results; the results of all calls; and the random streams after those of each seed.
    """
    results, ends = [], []
    for seed in seeds:
        seed_everything(seed)
        results += [ppo_agent.minibatch_indices(num_samples, batch_size) for _ in range(calls)]
        ends.append(stream_sums())
    return {
        "types": sorted({kind(r) for r in results}),
        "indices": [plain(r) for r in results],
        "streams": ends,
    }


@probe("hw1.linear_schedule")
def linear_schedule(start: float, end: float, progress: np.ndarray) -> dict:
    """The values at several points of the training."""
    results = [ppo_agent.linear_schedule(start, end, p) for p in progress.tolist()]
    return {"values": [number_of(r) for r in results]}


class _LinearPolicy(nn.Module):
    """log_prob = obs @ w_policy, value = obs @ w_value, entropy = w_entropy; notes what it is asked."""

    observation_size = 2

    def __init__(self, note: Callable, entropy: float):
        super().__init__()
        self.w_policy = nn.Parameter(torch.tensor([0.3, -0.2]))
        self.w_value = nn.Parameter(torch.tensor([-0.1, 0.4]))
        self.w_entropy = nn.Parameter(torch.tensor(entropy))
        self._note = note

    def evaluate(self, observations, actions):
        self._note("evaluate", observations=plain(observations), actions=plain(actions))
        return observations @ self.w_policy, 1.0 * self.w_entropy, self.value(observations)

    def value(self, observations):
        """As the package's policies have it."""
        return observations @ self.w_value

    def figures(self):
        """None."""
        return {}

    def weights(self) -> np.ndarray:
        """All five weights."""
        return np.concatenate([p.detach().numpy().ravel() for p in self.parameters()])


@probe("hw1.update")
def update(
    samples: dict,
    order: np.ndarray,
    progress: list,
    n_epochs: int,
    learning_rate: list,
    clip_range: list,
    ent_coef: list,
    vf_coef: float,
    max_grad_norm: float | None,
    clip_range_vf: float | None,
    target_kl: float | None,
    normalize: bool,
    momentum: float,
    entropy: float,
    seed: int,
) -> dict:
    """Updates of one agent in a row, of a linear policy, with gradient descent and stand-ins for the exercises.

    The weights begin at (0.3, -0.2) for the policy, (-0.1, 0.4) for the critic and the given one for the
    entropy.

    The stand-ins: linear_schedule gives start + progress * (end - start); minibatch_indices the given order,
    rolled by one row at each call; normalize_advantage 2 * A + mean(A); policy_loss the mean of advantage *
    log_prob; value_loss the mean of returns * value.

    Args:
        samples: arrays over all samples, as update takes them.
        order: `(minibatches, batch)` of indices.
        progress: of every call.
        momentum: of the gradient descent.
        entropy: of the policy at the beginning.
    """
    journal: list[dict] = []

    def note(what: str, **values: object) -> None:
        journal.append({"what": what, **values})

    policy = _LinearPolicy(note, entropy)

    class Descent(torch.optim.SGD):
        def step(self, closure=None):
            result = super().step(closure)
            note("step", rate=float(self.param_groups[0]["lr"]), weights=policy.weights())
            return result

    def schedule(start, end, progress):
        note("schedule", start=float(start), end=float(end), progress=float(progress))
        return start + progress * (end - start)

    def indices(num_samples, batch_size):
        calls = sum(entry["what"] == "indices" for entry in journal)
        note("indices", num_samples=number_of(num_samples), batch_size=number_of(batch_size))
        return torch.from_numpy(np.roll(order, calls, axis=0))

    def normalized(advantage):
        note("normalize", advantage=plain(advantage))
        return 2.0 * advantage + advantage.mean()

    def surrogate(log_prob, old_log_prob, advantage, clip_range):
        note(
            "policy_loss",
            log_prob=plain(log_prob),
            old_log_prob=plain(old_log_prob),
            advantage=plain(advantage),
            clip_range=float(clip_range),
        )
        return (advantage * log_prob).mean()

    def regression(value, old_value, returns, clip_range=None):
        note(
            "value_loss",
            value=plain(value),
            old_value=plain(old_value),
            returns=plain(returns),
            clip_range=plain(clip_range),
        )
        return (returns * value).mean()

    settings = {
        "learning_rate": tuple(learning_rate),
        "clip_range": tuple(clip_range),
        "ent_coef": tuple(ent_coef),
        "n_epochs": n_epochs,
        "batch_size": order.shape[1],
        "vf_coef": vf_coef,
        "max_grad_norm": max_grad_norm,
        "clip_range_vf": clip_range_vf,
        "target_kl": target_kl,
        "normalize_advantages": normalize,
    }
    agent = PPOAgent(
        policy,
        lambda parameters: Descent(parameters, lr=0.0, momentum=momentum),
        gamma=0.9,
        gae_lambda=0.9,
        **settings,
    )
    optimizer = agent.optimizer
    replaced = {
        "hw1.linear_schedule": schedule,
        "hw1.minibatch_indices": indices,
        "hw1.normalize_advantage": normalized,
        "hw1.policy_loss": surrogate,
        "hw1.value_loss": regression,
    }
    given = {name: torch.from_numpy(values) for name, values in samples.items()}
    seed_everything(seed)
    with side_effects(given) as changed, stand_ins("hw1.update", replaced):
        for now in progress:
            result = agent.update(given, now)
        after = stream_sums()
    changed = [name for name in changed if "stream" not in name]
    changed += [f"self.{name}" for name, value in settings.items() if getattr(agent, name, None) != value]
    changed += ["self.optimizer"] * (agent.optimizer is not optimizer) + ["self.policy"] * (
        agent.policy is not policy
    )
    changed += ["self.policy.training"] * (not policy.training)
    changed += [
        f"{name}.requires_grad" for name, weight in policy.named_parameters() if not weight.requires_grad
    ]
    figures = dict(result) if isinstance(result, Mapping) else {}
    return {
        "returned": kind(result),
        "is_mapping": isinstance(result, Mapping),
        "types": {str(k): kind(v) for k, v in figures.items()},
        "figures": plain(figures),
        "journal": journal,
        "changed": changed,
        "streams": after,
    }


@probe("hw1.convergence")
def convergence(seed: int, training: dict, snapshot_every: int) -> dict:
    """Trains, in the judge's environments, with all of the student's code; the actor's weights at the last three snapshots.

    The weights are, layer by layer, the matrix `(inputs, outputs)` and the bias `(outputs,)`.

    Args:
        training: fields of PPOConfig.
        snapshot_every: updates between snapshots.
    """
    from gcb6206.env_configs.ppo_config import PPOConfig
    from gcb6206.infrastructure.logger import NullLogger
    from gcb6206.scripts.run_ppo import run_training

    config = PPOConfig(**training).build()
    make_envs, learn = config["make_envs"], exercises.get("hw1.update").implementation
    config["make_envs"] = lambda num_envs: VectorPlayedElsewhere(make_envs(num_envs=num_envs))
    snapshots: deque[list[np.ndarray]] = deque(maxlen=3)
    calls = 0

    def watched(self, samples, progress):
        nonlocal calls
        result = learn(self, samples, progress)
        calls += 1
        if calls % snapshot_every == 0:
            layers = self.policy.network.layers()
            snapshots.append([part[0].detach().numpy().copy() for layer in layers for part in layer])
        return result

    args = argparse.Namespace(seed=seed, eval_interval=10**9, num_eval_episodes=1)
    with exercises.filled({"hw1.update": watched}):
        run_training(config, NullLogger(), args)
    return {"actors": list(snapshots), "updates": calls}
