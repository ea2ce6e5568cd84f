"""Stable-Baselines3 style: a flag, indices inside the loop, nn.utils for the norm."""

import numpy as np
import torch

from gcb6206.agents import ppo_agent
from gcb6206.exercises import solves


@solves("hw1.update")
def update(self, samples, progress):
    rate, clip, bonus = (
        ppo_agent.linear_schedule(*pair, progress)
        for pair in (self.learning_rate, self.clip_range, self.ent_coef)
    )
    for group in self.optimizer.param_groups:
        group["lr"] = rate
    rows, continue_training = [], True
    for _ in range(self.n_epochs):
        for index in ppo_agent.minibatch_indices(samples["actions"].shape[0], self.batch_size):
            old = samples["log_probs"][index]
            log_prob, entropy, values = self.policy.evaluate(
                samples["observations"][index], samples["actions"][index]
            )
            advantages = samples["advantages"][index]
            if self.normalize_advantages:
                advantages = ppo_agent.normalize_advantage(advantages)
            policy = ppo_agent.policy_loss(log_prob, old, advantages, clip)
            value = ppo_agent.value_loss(
                values, samples["values"][index], samples["returns"][index], clip_range=self.clip_range_vf
            )
            loss = policy + self.vf_coef * value + bonus * -entropy
            with torch.no_grad():
                log_ratio = log_prob - old
                kl = torch.mean((torch.exp(log_ratio) - 1) - log_ratio).item()
                fraction = torch.mean((torch.abs(log_ratio.exp() - 1) > clip).float()).item()
            rows.append([loss.item(), policy.item(), value.item(), -entropy.item(), kl, fraction])
            if self.target_kl is not None and kl > 1.5 * self.target_kl:
                continue_training = False
                break
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm or float("inf"))
            self.optimizer.step()
        if not continue_training:
            break
    names = ("loss", "policy_gradient_loss", "value_loss", "entropy_loss", "approx_kl", "clip_fraction")
    means = dict(zip(names, map(float, np.mean(rows, axis=0))))
    return {**means, "learning_rate": rate, "clip_range": clip, "ent_coef": bonus}
