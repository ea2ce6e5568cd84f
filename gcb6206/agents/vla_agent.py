"""MAPPO for a vision-language-action policy, on one rank or on several.

    values:    V(global state) before and after every step; where an episode ended, of its own last observation
    advantage: the course's ``multi_agent_gae``, normalised over all samples of all ranks
    loss:      the course's ``mappo_loss``: clipped objective, 1/2 (V - R)^2, entropy of the noise
    update:    ``num_epochs`` times over the samples in ``num_minibatches`` shuffled parts; one batched pass through the
               model for each part; gradients averaged over the ranks, clipped apart for actor and critic, which have
               learning rates of their own

In the first ``critic_warmup`` part of the training the policy stays as it was cloned, until the critic knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from gcb6206.agents.mappo_agent import LARGEST_LOG_RATIO, mappo_loss, multi_agent_gae
from gcb6206.agents.ppo_agent import approx_kl, clip_fraction, explained_variance
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.infrastructure.data_parallel import Ranks
from gcb6206.infrastructure.sentinel import check_finite
from gcb6206.networks.value_network import TeamCritic
from gcb6206.networks.vla_policy import MultiAgentVLAPolicy


class VLAMAPPOAgent(nn.Module):
    """Policy and critic, and how they learn.

    Args:
        policy, critic: on the device where they compute.
        actor_lr, critic_lr: step sizes of Adam.
        gamma, gae_lambda: discount and lambda.
        clip_epsilon, entropy_coef, value_coef: of the loss.
        num_epochs, num_minibatches: passes over the samples, and parts of a pass.
        max_grad_norm: the largest norm of the policy's gradient, and of the critic's; None does not clip.
        target_kl: an update stops before a step where approx_kl exceeds 1.5 times this; None never stops.
        reward_scale: rewards are multiplied by it before anything is learned from them.
        critic_warmup: the part of the training in which only the critic learns.
        ranks: who learns together.
    """

    def __init__(
        self,
        policy: MultiAgentVLAPolicy,
        critic: TeamCritic,
        actor_lr: float,
        critic_lr: float,
        gamma: float,
        gae_lambda: float,
        clip_epsilon: float,
        entropy_coef: float,
        value_coef: float,
        num_epochs: int,
        num_minibatches: int,
        max_grad_norm: float | None,
        target_kl: float | None,
        reward_scale: float,
        critic_warmup: float = 0.0,
        ranks: Ranks | None = None,
    ):
        super().__init__()
        self.policy, self.critic, self.ranks = policy, critic, ranks or Ranks()
        learning = [parameter for parameter in policy.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.Adam(
            [
                {"params": learning, "lr": actor_lr},
                {"params": list(critic.parameters()), "lr": critic_lr},
            ],
            eps=1e-5,
        )
        self.gamma, self.gae_lambda = gamma, gae_lambda
        self.clip_epsilon, self.entropy_coef, self.value_coef = clip_epsilon, entropy_coef, value_coef
        self.num_epochs, self.num_minibatches = num_epochs, num_minibatches
        self.max_grad_norm, self.target_kl = max_grad_norm, target_kl
        self.reward_scale, self.critic_warmup = reward_scale, critic_warmup

    @torch.no_grad()
    def advantages(
        self,
        reward: torch.Tensor,
        value: torch.Tensor,
        next_value: torch.Tensor,
        terminated: torch.Tensor,
        done: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Advantages, normalised over all ranks, and value targets.

        Args:
            reward, value, next_value: ``(steps, num_envs, n_agents)``.
            terminated, done: ``(steps, num_envs)`` bool.

        Returns:
            ``advantage`` and ``value_target``, ``(steps, num_envs, n_agents, 1)``.

        Raises:
            NonFiniteError: names the first tensor and step that hold NaN or infinity.
        """
        by_env = [tensor.transpose(0, 1)[..., None] for tensor in (reward, value, next_value)]
        check_finite(dict(zip(("reward", "value", "next_value"), by_env)))
        flags = [
            flag.transpose(0, 1)[..., None, None].expand(*by_env[0].shape) for flag in (terminated, done)
        ]
        advantage, target = multi_agent_gae(
            self.reward_scale * by_env[0], *by_env[1:], *flags, self.gamma, self.gae_lambda
        )
        mean = self.ranks.mean(advantage.mean())
        std = self.ranks.mean((advantage - mean).square().mean()).sqrt()
        advantage = (advantage - mean) / (std + 1e-8)
        return {"advantage": advantage.transpose(0, 1), "value_target": target.transpose(0, 1)}

    def update(
        self, minibatches: Callable[[], Iterator[dict]], samples: dict[str, torch.Tensor], progress: float
    ) -> dict[str, float]:
        """Learn from one rollout.

        Args:
            minibatches: gives an epoch's minibatches: ``inputs, proprio, global_state`` as policy and critic take
                them, and rows of ``action, log_prob, advantage, value_target``.
            samples: ``value`` ``(steps, num_envs, n_agents)`` before the update and ``value_target``, for the figures.
            progress: the part of the training that is done, from 0 to 1.

        Returns:
            Means over the minibatches of the loss's parts, ``entropy, actor_grad_norm, critic_grad_norm``;
            ``approx_kl`` and ``clip_fraction``; ``explained_variance`` of the critic before the update; ``scale``, the
            mean of the noise's; ``ratio_error``, how far the first minibatch's ratios were from 1.
        """
        figures, log_ratios, stop = [], [], False
        only_critic = progress < self.critic_warmup
        for _ in range(self.num_epochs):
            for minibatch in minibatches():
                losses, log_ratio, entropy = self.losses(minibatch)
                log_ratios.append(log_ratio.detach().cpu())
                if figures and self.target_kl:
                    kl = self.ranks.mean(torch.tensor(approx_kl(log_ratios[-1])))
                    stop = bool(kl > 1.5 * self.target_kl)
                    if stop:
                        break
                norms = self.step(losses, only_critic)
                figures.append(
                    torch.stack([*(part.detach() for part in losses.values()), entropy.detach(), *norms])
                )
            if stop:
                break
        names = [*losses, "entropy", "actor_grad_norm", "critic_grad_norm"]
        columns = self.ranks.mean(torch.stack(figures).mean(dim=0))
        check_finite({name: column[None, None] for name, column in zip(names, columns)})
        log_ratio = torch.cat(log_ratios)
        return {
            **dict(zip(names, columns.tolist())),
            "approx_kl": approx_kl(log_ratio),
            "clip_fraction": clip_fraction(log_ratio, self.clip_epsilon),
            "explained_variance": explained_variance(
                ptu.to_numpy(samples["value"]), ptu.to_numpy(samples["value_target"].squeeze(-1))
            ),
            "scale": self.policy.scale.mean().item(),
            "ratio_error": log_ratios[0].expm1().abs().max().item(),
        }

    def losses(self, minibatch: dict) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
        """The loss's parts, the log of the ratios ``(batch, n_agents)``, and the entropy."""
        log_prob, entropy = self.policy.evaluate_actions(
            minibatch["inputs"], minibatch["action"], minibatch["proprio"]
        )
        log_ratio = (log_prob - minibatch["log_prob"]).clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)
        entropy = entropy.mean()
        losses = mappo_loss(
            minibatch["log_prob"] + log_ratio,
            minibatch["log_prob"],
            minibatch["advantage"],
            entropy,
            self.critic(minibatch["global_state"]),
            minibatch["value_target"],
            self.clip_epsilon,
            self.entropy_coef,
            self.value_coef,
        )
        return losses, log_ratio, entropy

    def step(self, losses: dict[str, torch.Tensor], only_critic: bool = False) -> list[torch.Tensor]:
        """One step of the optimiser along the ranks' mean gradient; the norms of policy's and critic's."""
        self.optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        actor, critic = (group["params"] for group in self.optimizer.param_groups)
        self.ranks.average_gradients([*actor, *critic])
        norms = [
            ptu.clip_grad_norm(parameters, self.max_grad_norm).detach() for parameters in (actor, critic)
        ]
        if only_critic:
            for parameter in actor:
                parameter.grad = None
        self.optimizer.step()
        return norms

    def training_state(self) -> dict:
        """What learning goes on from."""
        return {
            "policy": self.policy.state_dict(),
            "critic": self.critic.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_training_state(self, state: dict) -> None:
        """Take up a state that ``training_state`` gave."""
        self.policy.load_state_dict(state["policy"])
        self.critic.load_state_dict(state["critic"])
        self.optimizer.load_state_dict(state["optimizer"])
