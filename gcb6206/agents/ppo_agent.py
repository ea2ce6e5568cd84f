"""Proximal policy optimisation (Schulman et al. 2017) with generalised advantage estimation (2016).

    collect:   n_steps steps in each environment with the current policy
    advantage: A_t = delta_t + gamma * lambda * A_{t+1},   delta_t = r_t + gamma * V(s_{t+1}) - V(s_t)
    policy:    -mean min(ratio * A, clip(ratio, 1 - eps, 1 + eps) * A),   ratio = pi(a|s) / pi_old(a|s)
    value:     mean (V(s) - R)^2,   R_t = A_t + V(s_t)
    loss:      policy + vf_coef * value - ent_coef * entropy
    update:    n_epochs times over all samples in shuffled minibatches, gradients clipped by their norm

Departures from the paper: actor and critic share no weights, advantages are normalised in each minibatch, and
a time limit is no end: the value of the observation at which the clock stopped still counts.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from gcb6206.exercises import exercise
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.checkpoint import tensors_to_numpy
from gcb6206.infrastructure.normalization import ObservationNormalizer, RewardNormalizer, RunningMoments
from gcb6206.networks.policies import ActorCritic


@exercise("hw1.compute_gae")
def compute_gae(
    rewards: np.ndarray,
    values: np.ndarray,
    next_values: np.ndarray,
    terminated: np.ndarray,
    truncated: np.ndarray,
    gamma: float,
    gae_lambda: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate advantages by a backward recursion over a rollout (GAE, Schulman et al. 2016).

        delta_t = r_t + gamma * V(s_{t+1}) - V(s_t)           V(s_{t+1}) counts as 0 where step t terminated
        A_t     = delta_t + gamma * lambda * A_{t+1}          A_{t+1} counts as 0 where the episode ended at t
        R_t     = A_t + V(s_t)

    An episode ends by terminating or by being truncated, and the next row belongs to another episode. Only a
    termination makes the value of what follows 0. With lambda 0 the one-step error delta is left, with
    lambda 1 the discounted sum of rewards, bootstrapped where a rollout or a time limit cut it, minus V(s).

    Gymnasium may set both flags at once: such a step terminated. Ends may stand anywhere, the first and the last
    row included. T and N may be 1, and every call stands alone.

    Args:
        rewards: ``(T, N)``, floats; time and environments.
        values: ``(T, N)``, V of the observation before each step.
        next_values: ``(T, N)``, V of the observation that each step led to; where an episode ended, that of
            its own last observation.
        terminated: ``(T, N)`` bool, the step ended its episode for good.
        truncated: ``(T, N)`` bool, the step was the last one before a time limit.
        gamma: discount, from 0 to 1.
        gae_lambda: lambda, from 0 to 1.

    Returns:
        Advantages and returns, float arrays ``(T, N)``. The arguments stay as they are.
    """


@exercise("hw1.normalize_advantage")
def normalize_advantage(advantage: torch.Tensor) -> torch.Tensor:
    """Shift and scale a minibatch of advantages to mean 0 and standard deviation 1.

    Add 1e-8 to the standard deviation, so that equal advantages become 0 and not NaN. However small it is, nothing
    else limits it, or the result. The standard deviation may divide by the number of samples or by one less.

    Args:
        advantage: ``(batch,)``, at least 2.

    Returns:
        ``(batch,)``, a new tensor.
    """


@exercise("hw1.policy_loss")
def policy_loss(
    log_prob: torch.Tensor, old_log_prob: torch.Tensor, advantage: torch.Tensor, clip_range: float
) -> torch.Tensor:
    """The negated clipped surrogate objective of PPO, to be minimised.

        ratio = pi(a|s) / pi_old(a|s),   loss = -mean min(ratio * A, clip(ratio, 1 - eps, 1 + eps) * A)

    Args:
        log_prob: ``(batch,)``, log pi(a|s) of the policy in training; the gradient flows through it.
        old_log_prob: ``(batch,)``, log pi_old(a|s) of the policy that collected the samples, a constant. The
            ratio may be far from 1, and nothing but the clip limits it. Both logarithms may be far below 0, and those
            of densities above it.
        advantage: ``(batch,)``, of any size; a constant for the gradient, even where the tensor itself carries one.
        clip_range: eps, above 0; it may be 1 or more.

    Returns:
        A scalar tensor.
    """


@exercise("hw1.value_loss")
def value_loss(
    value: torch.Tensor,
    old_value: torch.Tensor,
    returns: torch.Tensor,
    clip_range: float | None = None,
) -> torch.Tensor:
    """The mean squared error of the critic, optionally with clipped steps.

    With a ``clip_range`` each new value is also moved to within ``clip_range`` of the old one, and the larger
    of the two squared errors counts: leaving the neighbourhood of the old value never makes the loss smaller.

    Args:
        value: ``(batch,)``, V(s) of the critic that is being trained, of any size.
        old_value: ``(batch,)``, V(s) when the samples were collected, a constant.
        returns: ``(batch,)``, what the values should become, of any size; a constant for the gradient.
        clip_range: above 0; None does not clip.

    Returns:
        A scalar tensor.
    """


@exercise("hw1.minibatch_indices")
def minibatch_indices(num_samples: int, batch_size: int) -> torch.Tensor:
    """Shuffle the samples' indices and cut them into minibatches; every index stands in exactly one of them.

    Each call draws a new order, out of all that there are, from torch's, numpy's or Python's random stream: the
    program's seed decides it. It sets no seed.

    Args:
        num_samples: a multiple of ``batch_size``.
        batch_size: samples in each minibatch.

    Returns:
        Whole numbers ``(num_samples // batch_size, batch_size)``, a tensor of int64.
    """


@exercise("hw1.linear_schedule")
def linear_schedule(start: float, end: float, progress: float) -> float:
    """The value on the straight line from ``start`` at progress 0 to ``end`` at progress 1.

    Below 0 the value stays ``start``, above 1 it stays ``end``.

    Args:
        start, end: the values at both ends, of any sign and size; the line may fall or rise.
        progress: the part of the training that is done.

    Returns:
        A float.
    """


def explained_variance(values: np.ndarray, returns: np.ndarray) -> float:
    """How much of the returns' variance the values explain: 1 all, 0 none, below 0 worse than a constant.

    >>> explained_variance(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0

    Args:
        values, returns: arrays of one shape; NaN where the returns do not vary.
    """
    variance = np.var(returns)
    return float("nan") if variance == 0 else float(1.0 - np.var(returns - values) / variance)


def approx_kl(log_ratio: torch.Tensor) -> float:
    """An estimate of KL(pi_old || pi) from samples of pi_old: mean of ratio - 1 - log ratio.

    It is unbiased, never negative, and varies less than the plain mean of -log ratio (Schulman 2020,
    http://joschu.net/blog/kl-approx.html, "k3").

    >>> round(approx_kl(torch.tensor([0.5, 2.0]).log()), 4)
    0.25

    Args:
        log_ratio: log pi(a|s) - log pi_old(a|s) of samples, of any shape.
    """
    log_ratio = log_ratio.detach().numpy()
    return float((np.expm1(log_ratio) - log_ratio).mean())


def clip_fraction(log_ratio: torch.Tensor, clip_range: float) -> float:
    """The part of the samples whose ratio is further than ``clip_range`` from 1.

    >>> clip_fraction(torch.tensor([0.5, 0.9, 1.1, 1.3]).log(), 0.2)
    0.5

    Args:
        log_ratio: log pi(a|s) - log pi_old(a|s) of samples, of any shape.
        clip_range: above 0.
    """
    return float((np.abs(np.expm1(log_ratio.detach().numpy())) > clip_range).mean())


class PPOAgent(nn.Module):
    """A policy with its critic, and how they act and learn.

    Args:
        policy: actor and critic.
        make_optimizer: builds the optimiser from the parameters.
        learning_rate, clip_range, ent_coef: ``(first, last)`` values of the straight lines that the step
            size, the clip range and the entropy's weight follow.
        gamma, gae_lambda: discount and lambda, from 0 to 1.
        n_epochs: passes over the samples in one update.
        batch_size: samples in one minibatch.
        vf_coef: weight of the value loss.
        max_grad_norm: the largest norm of the gradient; None does not clip.
        clip_range_vf: largest step of a value that lowers the value loss; None does not clip.
        target_kl: an update stops where a minibatch's approx_kl exceeds 1.5 times this; None never stops.
        normalize_advantages: in each minibatch.
        normalize_observations: by running mean and standard deviation.
        normalize_rewards: by the running standard deviation of the discounted return.
    """

    def __init__(
        self,
        policy: ActorCritic,
        make_optimizer: Callable[..., torch.optim.Optimizer],
        learning_rate: tuple[float, float],
        clip_range: tuple[float, float],
        ent_coef: tuple[float, float],
        gamma: float,
        gae_lambda: float,
        n_epochs: int,
        batch_size: int,
        vf_coef: float = 0.5,
        max_grad_norm: float | None = 0.5,
        clip_range_vf: float | None = None,
        target_kl: float | None = None,
        normalize_advantages: bool = True,
        normalize_observations: bool = False,
        normalize_rewards: bool = False,
    ):
        super().__init__()
        self.policy = policy
        self.optimizer = make_optimizer(policy.parameters())
        self.learning_rate, self.clip_range, self.ent_coef = learning_rate, clip_range, ent_coef
        self.gamma, self.gae_lambda = gamma, gae_lambda
        self.n_epochs, self.batch_size = n_epochs, batch_size
        self.vf_coef, self.max_grad_norm, self.clip_range_vf = vf_coef, max_grad_norm, clip_range_vf
        self.target_kl, self.normalize_advantages = target_kl, normalize_advantages
        self.observation_normalizer = self.reward_normalizer = None
        if normalize_observations:
            self.observation_normalizer = ObservationNormalizer((policy.observation_size,))
        if normalize_rewards:
            self.reward_normalizer = RewardNormalizer(gamma)

    def act(self, observations: np.ndarray, noise: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Choose actions for several environments at once.

        Args:
            observations: ``(N, features)``, as the environments gave them.
            noise: a row of what ``policy.noise`` drew; None acts greedily.

        Returns:
            The policy's actions ``(N, ...)``, as ``update`` wants them, and as the environments take them.
        """
        actions = self.policy.act(self._normalized(observations), noise)
        return actions, self.policy.to_env(actions)

    def prepare(self, rollout: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
        """What ``update`` learns from: log-probabilities and values of a rollout, advantages and returns.

        The policy has not changed since it collected the rollout, so its log-probabilities are computed here,
        in one batch, and not step by step. The statistics of the observations take the rollout in afterwards:
        one scale holds from collecting to learning.

        Args:
            rollout: arrays ``(T, N, ...)``: observations, next_observations, actions, rewards, terminated,
                truncated.

        Returns:
            Tensors over the ``T * N`` samples: observations ``(T * N, features)``, actions, and ``(T * N,)``
            log_probs, values, advantages, returns.
        """
        rewards = rollout["rewards"]
        if self.reward_normalizer:
            ended = rollout["terminated"] | rollout["truncated"]
            rewards = self.reward_normalizer.update_and_normalize(rewards, ended)
        observations = ptu.from_numpy(self._normalized(rollout["observations"]))
        next_observations = ptu.from_numpy(self._normalized(rollout["next_observations"]))
        with torch.no_grad():
            observations = observations.flatten(0, 1)
            actions = ptu.from_numpy(rollout["actions"]).flatten(0, 1)
            log_probs, _, values = self.policy.evaluate(observations, actions)
            next_values = self.policy.value(next_observations.flatten(0, 1))
        advantages, returns = compute_gae(
            rewards,
            ptu.to_numpy(values).reshape(rewards.shape),
            ptu.to_numpy(next_values).reshape(rewards.shape),
            rollout["terminated"],
            rollout["truncated"],
            self.gamma,
            self.gae_lambda,
        )
        if self.observation_normalizer:
            self.observation_normalizer.update(rollout["observations"])
        return {
            "observations": observations,
            "actions": actions,
            "log_probs": log_probs,
            "values": values,
            "advantages": ptu.from_numpy(advantages).float().flatten(),
            "returns": ptu.from_numpy(returns).float().flatten(),
        }

    @exercise("hw1.update")
    def update(self, samples: dict[str, torch.Tensor], progress: float) -> dict:
        """Learn from the samples of one rollout: ``n_epochs`` passes in shuffled minibatches.

        Learning rate, clip range and entropy coefficient come from ``linear_schedule`` at this progress, once
        for the whole update. In every minibatch: evaluate the policy, normalise the advantages (if
        ``self.normalize_advantages``), sum the three losses, take one step with ``self.optimizer`` on the
        gradient clipped at the norm ``self.max_grad_norm`` (None: do not clip). Where ``self.target_kl`` is
        not None, the update ends before the step of the first minibatch of any epoch whose approx_kl
        exceeds 1.5 times it.

        Call ``minibatch_indices`` (once in each pass), ``normalize_advantage``, ``policy_loss`` and ``value_loss``
        and do not write them out: the grader puts functions of its own in their place. An agent is updated many
        times: its settings, the samples and the random streams' seeds stay as they are.

        Args:
            samples: tensors over all samples: observations, actions, log_probs, values, advantages, returns.
            progress: the part of the training that is done, from 0 to 1.

        Returns:
            Floats: the means over the minibatches that were evaluated of ``loss``, ``policy_gradient_loss``,
            ``value_loss``, ``entropy_loss`` (the entropy, negated), ``approx_kl`` and ``clip_fraction``; and
            ``learning_rate``, ``clip_range``, ``ent_coef`` as they were used.
        """

    def set_learning_rate(self, learning_rate: float) -> None:
        """Set the optimiser's step size."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate

    def _normalized(self, observations: np.ndarray) -> np.ndarray:
        if self.observation_normalizer:
            return self.observation_normalizer.normalize(observations)
        return np.asarray(observations, np.float32)

    def training_state(self) -> dict:
        """Everything that learning goes on from: networks, optimiser, running statistics."""
        return {
            "policy": self.policy.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            **{name: moments.state() for name, moments in self._normalizers()},
        }

    def load_training_state(self, state: dict) -> None:
        """Take up a state that ``training_state`` gave."""
        self.policy.load_state_dict(state["policy"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, moments in self._normalizers():
            moments.load_state(tensors_to_numpy(state[name]))

    def _normalizers(self) -> list[tuple[str, RunningMoments]]:
        """The running statistics that are kept, with their names."""
        both = {"observations": self.observation_normalizer, "rewards": self.reward_normalizer}
        return [(name, moments) for name, moments in both.items() if moments]
