"""Multi-agent PPO: MAPPO (Yu et al. 2022) with a critic that sees the team, IPPO with one for each agent.

    collect:   every environment plays max_steps steps; each agent acts on its own observations
    advantage: A_t = delta_t + gamma * lambda * A_{t+1},   delta_t = r_t + gamma * V(s_{t+1}) - V(s_t), per agent
    policy:    -mean min(ratio * A, clip(ratio, 1 - eps, 1 + eps) * A),   ratio = pi(a|o) / pi_old(a|o), per agent
    value:     mean 1/2 (V - R)^2,   V of all agents' observations (MAPPO) or of the agent's own (IPPO)
    loss:      policy + critic_coef * value - entropy_eps * entropy
    update:    num_epochs times over the frames in shuffled minibatches; actor and critic have learning rates
               of their own, and their gradients are clipped apart

Departures from TorchRL's multi-agent tutorial: a time limit truncates and is bootstrapped, advantages are
normalised over the batch, the critic's error is squared and not smoothed, the last layers begin small, and there
is one pass for the advantages of a batch, without gradients, before the first epoch.
"""

from __future__ import annotations

import contextlib
import math

import torch
from torch import nn

from gcb6206.agents.ppo_agent import approx_kl, clip_fraction, explained_variance
from gcb6206.envs.vmas import expand_done
from gcb6206.exercises import exercise
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.sentinel import check_finite
from gcb6206.networks.optimizers import LeanAdam
from gcb6206.networks.policies import log_tanh_slope
from gcb6206.networks.team import (
    MLP,
    CentralCritic,
    PerAgent,
    TeamActor,
    observation_history,
    tanh_normal_log_prob,
)

ALGORITHMS = ("mappo", "ippo")
LARGEST_LOG_RATIO = 20.0


@exercise("hw4.multi_agent_gae")
def multi_agent_gae(
    reward: torch.Tensor,
    value: torch.Tensor,
    next_value: torch.Tensor,
    terminated: torch.Tensor,
    done: torch.Tensor,
    gamma: float,
    lmbda: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Advantages of every agent, by a backward recursion over time (GAE), for the whole batch at once.

        delta_t = r_t + gamma * V(s_{t+1}) - V(s_t)           V(s_{t+1}) counts as 0 where step t terminated
        A_t     = delta_t + gamma * lambda * A_{t+1}          A_{t+1} counts as 0 where the episode ended at t
        R_t     = A_t + V(s_t)

    Nothing flows from one agent or environment to another. A time limit ends an episode without terminating
    it: what follows keeps its value, but the recursion begins anew. Every axis may have length 1.

    Args:
        reward, value, next_value: ``(batch, time, n_agents, 1)``; next_value is that of the observation which
            the step led to, in the same episode.
        terminated: ``(batch, time, n_agents, 1)`` bool, the step ended its episode for good.
        done: ``(batch, time, n_agents, 1)`` bool, the step ended its episode, by terminating or by a limit.
        gamma: discount, from 0 to 1.
        lmbda: lambda, from 0 to 1.

    Returns:
        Advantages and value targets R, ``(batch, time, n_agents, 1)``, without gradients.
    """


@exercise("hw4.mappo_loss")
def mappo_loss(
    log_prob: torch.Tensor,
    old_log_prob: torch.Tensor,
    advantage: torch.Tensor,
    entropy: torch.Tensor,
    value: torch.Tensor,
    value_target: torch.Tensor,
    clip_epsilon: float,
    entropy_eps: float,
    critic_coef: float,
) -> dict[str, torch.Tensor]:
    """The three parts of the loss, under TorchRL's names; their sum is what is minimised.

        loss_objective = -mean min(ratio * A, clip(ratio, 1 - eps, 1 + eps) * A),   ratio = pi(a|o) / pi_old(a|o)
        loss_entropy   = -entropy_eps * entropy
        loss_critic    = critic_coef * mean 1/2 (V - R)^2

    Each agent has a ratio and an advantage of its own; the means go over all frames and agents.

    Args:
        log_prob: ``(batch, n_agents)``, log pi(a|o) of the policy in training: of a density, so any number, but at most
            20 away from ``old_log_prob``.
        old_log_prob: ``(batch, n_agents)``, that of the policy which collected the frames, a constant.
        advantage: ``(batch, n_agents, 1)``, mind the last axis; a constant for the gradient.
        entropy: a scalar; that of a density may be negative.
        value: ``(batch, n_agents, 1)``, of the critic in training.
        value_target: ``(batch, n_agents, 1)``, R; a constant for the gradient.
        clip_epsilon: eps, above 0.
        entropy_eps, critic_coef: weights, at least 0.

    Returns:
        Scalars ``loss_objective``, ``loss_entropy``, ``loss_critic``.
    """


class MAPPOAgent(nn.Module):
    """A team's actor and critic, and how they act and learn.

    Args:
        n_agents, observation_size: of the environments.
        low, high: bounds of the actions, ``(n_agents, components)``.
        algorithm: ``mappo`` or ``ippo``.
        share_parameters: all agents use one actor, and in IPPO one critic.
        hidden: units of each hidden layer, of actor and critic.
        history_length: observations that actor and critic see of each agent.
        lr, critic_lr: ``(first, last)`` step sizes of Adam, on a straight line.
        entropy_eps: ``(first, last)`` weights of the entropy, on a straight line.
        gamma, lmbda: discount and lambda, from 0 to 1.
        num_epochs: passes over a batch.
        minibatch_size: frames in one minibatch.
        clip_epsilon, critic_coef: of the loss.
        max_grad_norm: the largest norm of the actor's gradient, and of the critic's; None does not clip.
        target_kl: an update stops where a minibatch's approx_kl exceeds 1.5 times this; None never stops.
        normalize_advantages: over the batch and all agents.
        reward_scale: rewards are multiplied by it before anything is learned from them.
        initial_std: of the actions before tanh, at the start.
        precision: ``float32`` or ``bfloat16``, of the hidden layers' matrix products.
        seed: of the weights, the actions' noise and the minibatches.
    """

    def __init__(
        self,
        n_agents: int,
        observation_size: int,
        low: torch.Tensor,
        high: torch.Tensor,
        algorithm: str,
        share_parameters: bool,
        hidden: list[int],
        history_length: int,
        lr: tuple[float, float],
        critic_lr: tuple[float, float],
        entropy_eps: tuple[float, float],
        gamma: float,
        lmbda: float,
        num_epochs: int,
        minibatch_size: int,
        clip_epsilon: float,
        critic_coef: float,
        max_grad_norm: float | None,
        target_kl: float | None,
        normalize_advantages: bool,
        reward_scale: float,
        initial_std: float,
        precision: str,
        seed: int,
    ):
        super().__init__()
        self.low, self.high, self.device = low, high, low.device
        self.n_agents, self.history_length = n_agents, history_length
        seen, components = history_length * observation_size, low.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.actor = TeamActor(
                PerAgent(lambda: MLP(seen, 2 * components, hidden, gain=0.01), n_agents, share_parameters),
                initial_std,
            )
            if algorithm == "mappo":
                self.critic = CentralCritic(MLP(n_agents * seen, 1, hidden, gain=1.0))
            else:
                self.critic = PerAgent(lambda: MLP(seen, 1, hidden, gain=1.0), n_agents, share_parameters)
        self.to(self.device)
        self.lr, self.critic_lr, self.entropy_eps = lr, critic_lr, entropy_eps
        self.optimizer = LeanAdam(
            [{"params": list(self.actor.parameters())}, {"params": list(self.critic.parameters())}], eps=1e-6
        )
        self.gamma, self.lmbda, self.num_epochs, self.minibatch_size = (
            gamma,
            lmbda,
            num_epochs,
            minibatch_size,
        )
        self.clip_epsilon, self.critic_coef = clip_epsilon, critic_coef
        self.max_grad_norm, self.target_kl = max_grad_norm, target_kl
        self.normalize_advantages, self.reward_scale = normalize_advantages, reward_scale
        self.precision = precision
        self.generator = torch.Generator(self.device).manual_seed(seed)

    def noise(self, *shape: int) -> torch.Tensor:
        """Noise for so many actions of the team, ``(*shape, n_agents, components)``."""
        return torch.randn(*shape, *self.low.shape, generator=self.generator, device=self.device)

    @torch.no_grad()
    def act(self, observation: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        """Actions within the bounds, each from its agent's own observations.

        Args:
            observation: ``(batch, n_agents, history_length * features)``.
            noise: ``(batch, n_agents, components)``, as ``noise`` draws it; None takes the mean.

        Returns:
            ``(batch, n_agents, components)``.
        """
        with self._autocast():
            mean, std = self.actor(observation)
        u = mean if noise is None else mean + std * noise
        return self.low + (self.high - self.low) * 0.5 * (torch.tanh(u) + 1.0)

    def with_history(self, observation: torch.Tensor, begins: torch.Tensor) -> torch.Tensor:
        """What actor and critic see: ``(batch, time, n_agents, history_length * features)``."""
        if self.history_length == 1:
            return observation
        return observation_history(observation, begins, self.history_length)

    @torch.no_grad()
    def prepare(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What ``update`` learns from: one pass over a batch, before the policy changes.

        Args:
            batch: tensors ``(batch, time, ...)`` as ``collect_batch`` gives them.

        Returns:
            Tensors over all frames: observation ``(frames, n_agents, ...)``, action, log_prob
            ``(frames, n_agents)``, and value, advantage, value_target ``(frames, n_agents, 1)``.

        Raises:
            NonFiniteError: names the first tensor and step that hold NaN or infinity.
        """
        seen = self.with_history(batch["observation"], batch["begins"])
        older = seen[..., : seen.shape[-1] - batch["observation"].shape[-1]]
        next_seen = torch.cat([batch["next_observation"], older], dim=-1)
        # no more environments at once than a minibatch has frames for: a whole batch needs much memory, which is slow
        parts = [tensor.split(max(1, self.minibatch_size // seen.shape[1])) for tensor in (seen, next_seen)]
        with self._autocast():
            mean, std = (torch.cat(part) for part in zip(*map(self.actor, parts[0])))
            value, next_value = (torch.cat([self.critic(x) for x in part]) for part in parts)
        log_prob = tanh_normal_log_prob(mean, std, batch["action"], self.low, self.high)
        # before the advantages, which carry a fault back to earlier steps
        computed = {"log_prob": log_prob, "value": value, "next_value": next_value}
        check_finite({"observation": seen, "reward": batch["reward"], **computed})
        terminated = expand_done(batch["terminated"], self.n_agents)
        done = expand_done(batch["terminated"] | batch["truncated"], self.n_agents)
        advantage, value_target = multi_agent_gae(
            self.reward_scale * batch["reward"], value, next_value, terminated, done, self.gamma, self.lmbda
        )
        samples = {
            "observation": seen,
            "action": batch["action"],
            "log_prob": log_prob,
            "value": value,
            "advantage": advantage,
            "value_target": value_target,
        }
        if self.normalize_advantages:
            samples["advantage"] = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        return {name: tensor.flatten(0, 1) for name, tensor in samples.items()}

    def update(self, samples: dict[str, torch.Tensor], progress: float) -> dict[str, float]:
        """Learn from the frames of one batch: ``num_epochs`` passes in shuffled minibatches.

        Frames that fill no whole minibatch sit out an epoch.

        Args:
            samples: as ``prepare`` gives them.
            progress: the part of the training that is done, from 0 to 1.

        Returns:
            Means over the minibatches of the loss's parts, ``entropy``, ``actor_grad_norm`` and
            ``critic_grad_norm``; ``approx_kl`` and ``clip_fraction``; ``explained_variance`` of the critic
            before the update; ``lr`` and ``critic_lr``.

        Raises:
            NonFiniteError: names the first figure that is none, and its minibatch.
        """
        scheduled = (self.lr, self.critic_lr, self.entropy_eps)
        *rates, entropy_eps = (start + progress * (end - start) for start, end in scheduled)
        for group, rate in zip(self.optimizer.param_groups, rates):
            group["lr"] = rate
        figures, log_ratios = [], []
        for minibatch in self._minibatches(samples):
            with self._autocast():
                mean, std = self.actor(minibatch["observation"])
                value = self.critic(minibatch["observation"])
            log_prob = tanh_normal_log_prob(mean, std, minibatch["action"], self.low, self.high)
            # where the ratio has left e^+-20, exp would soon overflow: such an action teaches no more
            log_ratio = (log_prob - minibatch["log_prob"]).clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)
            log_ratios.append(log_ratio.detach())
            if figures and self.target_kl and approx_kl(log_ratios[-1].cpu()) > 1.5 * self.target_kl:
                break
            entropy = self._entropy(mean, std)
            losses = mappo_loss(
                minibatch["log_prob"] + log_ratio,
                minibatch["log_prob"],
                minibatch["advantage"],
                entropy,
                value,
                minibatch["value_target"],
                self.clip_epsilon,
                entropy_eps,
                self.critic_coef,
            )
            self.optimizer.zero_grad()
            sum(losses.values()).backward()
            norms = [
                ptu.clip_grad_norm(p.parameters(), self.max_grad_norm) for p in (self.actor, self.critic)
            ]
            self.optimizer.step()
            figures.append(torch.stack([*losses.values(), entropy, *norms]).detach())
        names = [*losses, "entropy", "actor_grad_norm", "critic_grad_norm"]
        columns = torch.stack(figures, dim=1)
        check_finite({name: column[None] for name, column in zip(names, columns)})
        log_ratio = torch.cat(log_ratios).cpu()
        return {
            **dict(zip(names, columns.mean(dim=1).tolist())),
            "approx_kl": approx_kl(log_ratio),
            "clip_fraction": clip_fraction(log_ratio, self.clip_epsilon),
            "explained_variance": explained_variance(
                ptu.to_numpy(samples["value"]), ptu.to_numpy(samples["value_target"])
            ),
            "lr": rates[0],
            "critic_lr": rates[1],
        }

    def training_state(self) -> dict:
        """Everything that learning goes on from: networks, optimiser, random numbers."""
        return {
            "actor": self.actor.state_dict(),
            "critic": self.critic.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_training_state(self, state: dict) -> None:
        """Take up a state that ``training_state`` gave."""
        self.actor.load_state_dict(state["actor"])
        self.critic.load_state_dict(state["critic"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])

    def _minibatches(self, samples: dict[str, torch.Tensor]):
        """Every epoch's minibatches, in a new order for each epoch."""
        frames = len(samples["action"])
        whole = frames - frames % self.minibatch_size
        for _ in range(self.num_epochs):
            order = torch.randperm(frames, generator=self.generator, device=self.device)[:whole]
            parts = [tensor[order].split(self.minibatch_size) for tensor in samples.values()]
            for rows in zip(*parts):
                yield dict(zip(samples, rows))

    def _entropy(self, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
        """Estimated by fresh samples, through which the gradient flows: a tanh-normal's has no closed form."""
        u = mean + std * torch.randn(mean.shape, generator=self.generator, device=self.device)
        normal = std.log() + 0.5 * math.log(2.0 * math.pi * math.e)
        stretched = ((self.high - self.low) * 0.5).log()
        return (normal + log_tanh_slope(u) + stretched).sum(dim=-1).mean()

    def _autocast(self):
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)
