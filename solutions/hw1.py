"""Homework 1, proximal policy optimisation: the reference solutions.

Each function stands in the student's notebook with the lines between the markers taken out.
"""

import numpy as np
import torch
import torch.nn.functional as F

from gcb6206.agents import ppo_agent
from gcb6206.exercises import solves
from gcb6206.infrastructure import pytorch_util as ptu
from gcb6206.networks.policies import log_tanh_slope


@solves("hw1.compute_gae")
def compute_gae(
    rewards: np.ndarray,
    values: np.ndarray,
    next_values: np.ndarray,
    terminated: np.ndarray,
    truncated: np.ndarray,
    gamma: float,
    gae_lambda: float,
) -> tuple[np.ndarray, np.ndarray]:
    # TODO(student): deltas, the one-step errors, (T, N); what follows a termination is worth 0
    # HINT: ~terminated turns a bool array around, and a bool array multiplies like 0 and 1
    ### BEGIN SOLUTION
    deltas = rewards + gamma * next_values * ~terminated - values
    ### END SOLUTION

    # TODO(student): advantages, by the recursion from the last step to the first; it stops at ends
    # HINT: the advantage after the last step counts as 0; for t in reversed(range(len(rewards)))
    ### BEGIN SOLUTION
    same_episode = ~(terminated | truncated)
    advantages = np.zeros_like(deltas)
    following = np.zeros_like(deltas[0])
    for t in reversed(range(len(rewards))):
        following = deltas[t] + gamma * gae_lambda * following * same_episode[t]
        advantages[t] = following
    ### END SOLUTION

    # TODO(student): the returns, which the values should become
    ### BEGIN SOLUTION
    returns = advantages + values
    ### END SOLUTION
    return advantages, returns


@solves("hw1.normalize_advantage")
def normalize_advantage(advantage: torch.Tensor) -> torch.Tensor:
    # TODO(student): mean 0, standard deviation 1
    ### BEGIN SOLUTION
    std, mean = torch.std_mean(advantage)
    return (advantage - mean) / (std + 1e-8)
    ### END SOLUTION


@solves("hw1.policy_loss")
def policy_loss(
    log_prob: torch.Tensor, old_log_prob: torch.Tensor, advantage: torch.Tensor, clip_range: float
) -> torch.Tensor:
    # TODO(student): ratio, the new probability divided by the old one, out of their logarithms
    ### BEGIN SOLUTION
    ratio = (log_prob - old_log_prob).exp()
    ### END SOLUTION

    # TODO(student): the smaller of the two objectives for every sample, averaged, and negated to be minimised
    # HINT: Tensor.clamp, torch.min of two tensors, Tensor.detach
    ### BEGIN SOLUTION
    advantage = advantage.detach()
    clipped_ratio = ratio.clamp(1.0 - clip_range, 1.0 + clip_range)
    return -torch.min(ratio * advantage, clipped_ratio * advantage).mean()
    ### END SOLUTION


@solves("hw1.value_loss")
def value_loss(
    value: torch.Tensor,
    old_value: torch.Tensor,
    returns: torch.Tensor,
    clip_range: float | None = None,
) -> torch.Tensor:
    # TODO(student): without a clip range, the mean squared error
    # HINT: torch.nn.functional.mse_loss
    ### BEGIN SOLUTION
    returns = returns.detach()
    if clip_range is None:
        return F.mse_loss(value, returns)
    ### END SOLUTION

    # TODO(student): with one, the larger of the two squared errors for every sample, averaged
    # HINT: clamp the step from old_value to value; torch.max of two tensors
    ### BEGIN SOLUTION
    clipped_value = old_value + (value - old_value).clamp(-clip_range, clip_range)
    return torch.max((value - returns) ** 2, (clipped_value - returns) ** 2).mean()
    ### END SOLUTION


@solves("hw1.entropy_bonus")
def entropy_bonus(log_probs: torch.Tensor) -> torch.Tensor:
    # TODO(student): the entropy of every row, and the mean over the rows
    ### BEGIN SOLUTION
    return -(log_probs.exp() * log_probs).sum(dim=1).mean()
    ### END SOLUTION


@solves("hw1.tanh_normal_log_prob")
def tanh_normal_log_prob(mean: torch.Tensor, log_std: torch.Tensor, pre_tanh: torch.Tensor) -> torch.Tensor:
    # TODO(student): the log-density of u, the change of variables, and the sum over components
    # HINT: torch.distributions.Normal, log_tanh_slope from gcb6206.networks.policies
    ### BEGIN SOLUTION
    normal_log_prob = torch.distributions.Normal(mean, log_std.exp()).log_prob(pre_tanh)
    return (normal_log_prob - log_tanh_slope(pre_tanh)).sum(dim=1)
    ### END SOLUTION


@solves("hw1.minibatch_indices")
def minibatch_indices(num_samples: int, batch_size: int) -> torch.Tensor:
    # TODO(student): a new random order of 0 to num_samples - 1, cut into rows of batch_size
    # HINT: torch.randperm
    ### BEGIN SOLUTION
    return torch.randperm(num_samples).reshape(-1, batch_size)
    ### END SOLUTION


@solves("hw1.linear_schedule")
def linear_schedule(start: float, end: float, progress: float) -> float:
    # TODO(student): the value on the straight line; outside 0 to 1 it stays what it is at that end
    ### BEGIN SOLUTION
    return start + min(max(progress, 0.0), 1.0) * (end - start)
    ### END SOLUTION


@solves("hw1.update")
def update(self, samples: dict[str, torch.Tensor], progress: float) -> dict:
    # TODO(student): this update's learning_rate, clip_range and ent_coef; set the learning rate
    # HINT: ppo_agent.linear_schedule(*self.learning_rate, progress), self.set_learning_rate
    ### BEGIN SOLUTION
    learning_rate = ppo_agent.linear_schedule(*self.learning_rate, progress)
    clip_range = ppo_agent.linear_schedule(*self.clip_range, progress)
    ent_coef = ppo_agent.linear_schedule(*self.ent_coef, progress)
    self.set_learning_rate(learning_rate)
    ### END SOLUTION

    figures, log_ratios = [], []
    stopped = False
    for _ in range(self.n_epochs):
        order = ppo_agent.minibatch_indices(len(samples["returns"]), self.batch_size)
        minibatches = {name: values[order].unbind() for name, values in samples.items()}
        for i in range(len(order)):
            batch = {name: rows[i] for name, rows in minibatches.items()}

            # TODO(student): log_prob, entropy, value; and advantage, normalised if that is wanted
            # HINT: self.policy.evaluate(observations, actions) gives log_prob, entropy, value
            ### BEGIN SOLUTION
            log_prob, entropy, value = self.policy.evaluate(batch["observations"], batch["actions"])
            advantage = batch["advantages"]
            if self.normalize_advantages:
                advantage = ppo_agent.normalize_advantage(advantage)
            ### END SOLUTION

            # TODO(student): policy_gradient_loss, critic_loss, and loss, the sum of all three weighted parts
            # HINT: ppo_agent.policy_loss, ppo_agent.value_loss with self.clip_range_vf
            ### BEGIN SOLUTION
            policy_gradient_loss = ppo_agent.policy_loss(log_prob, batch["log_probs"], advantage, clip_range)
            critic_loss = ppo_agent.value_loss(value, batch["values"], batch["returns"], self.clip_range_vf)
            loss = policy_gradient_loss + self.vf_coef * critic_loss - ent_coef * entropy
            ### END SOLUTION

            figures.append(
                {
                    "loss": loss.item(),
                    "policy_gradient_loss": policy_gradient_loss.item(),
                    "value_loss": critic_loss.item(),
                    "entropy_loss": -entropy.item(),
                }
            )
            log_ratios.append(log_prob.detach() - batch["log_probs"])

            # TODO(student): end the whole update here, before the step, if the policy has moved too far
            # HINT: ppo_agent.approx_kl(log_ratios[-1]); set stopped to True and leave the inner loop
            ### BEGIN SOLUTION
            if self.target_kl is not None and ppo_agent.approx_kl(log_ratios[-1]) > 1.5 * self.target_kl:
                stopped = True
                break
            ### END SOLUTION

            # TODO(student): take the step: gradients, their norm clipped, the optimiser
            # HINT: ptu.clip_grad_norm(self.policy.parameters(), self.max_grad_norm)
            ### BEGIN SOLUTION
            self.optimizer.zero_grad()
            loss.backward()
            ptu.clip_grad_norm(self.policy.parameters(), self.max_grad_norm)
            self.optimizer.step()
            ### END SOLUTION
        if stopped:
            break

    log_ratio = torch.cat(log_ratios)
    return {
        **{name: float(np.mean([row[name] for row in figures])) for name in figures[0]},
        "approx_kl": ppo_agent.approx_kl(log_ratio),
        "clip_fraction": ppo_agent.clip_fraction(log_ratio, clip_range),
        "learning_rate": learning_rate,
        "clip_range": clip_range,
        "ent_coef": ent_coef,
    }
