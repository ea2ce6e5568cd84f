"""Losses negated into an objective, gradients by torch.autograd.grad, one more figure."""

import numpy as np
import torch

from gcb6206.agents import ppo_agent
from gcb6206.exercises import solves


@solves("hw1.update")
def update(self, samples, progress):
    learning_rate = ppo_agent.linear_schedule(self.learning_rate[0], self.learning_rate[1], progress)
    clip_range = ppo_agent.linear_schedule(self.clip_range[0], self.clip_range[1], progress=progress)
    ent_coef = ppo_agent.linear_schedule(start=self.ent_coef[0], end=self.ent_coef[1], progress=progress)
    self.set_learning_rate(learning_rate)
    parameters, table, epoch, far = list(self.policy.parameters()), [], 0, False
    while epoch < self.n_epochs and not far:
        for index in ppo_agent.minibatch_indices(len(samples["returns"]), self.batch_size):
            part = {key: value[index] for key, value in samples.items()}
            log_prob, entropy, value = self.policy.evaluate(part["observations"], part["actions"])
            advantage = part["advantages"]
            if self.normalize_advantages:
                advantage = ppo_agent.normalize_advantage(advantage)
            surrogate = -ppo_agent.policy_loss(log_prob, part["log_probs"], advantage, clip_range)
            error = ppo_agent.value_loss(value, part["values"], part["returns"], self.clip_range_vf)
            objective = surrogate - self.vf_coef * error + ent_coef * entropy
            log_ratio = log_prob - part["log_probs"]
            kl = ppo_agent.approx_kl(log_ratio)
            fraction = ppo_agent.clip_fraction(log_ratio, clip_range)
            table.append((-objective.item(), -surrogate.item(), error.item(), -entropy.item(), kl, fraction))
            far = self.target_kl is not None and kl > 1.5 * self.target_kl
            if far:
                break
            slopes = torch.autograd.grad(-objective, parameters)
            norm = torch.sqrt(sum((slope**2).sum() for slope in slopes))
            factor = 1.0
            if self.max_grad_norm is not None and norm > self.max_grad_norm:
                factor = self.max_grad_norm / norm
            for parameter, slope in zip(parameters, slopes):
                parameter.grad = slope * factor
            self.optimizer.step()
        epoch += 1
    loss, surrogate_loss, error, negative_entropy, kl, fraction = np.array(table).mean(axis=0).tolist()
    return dict(
        loss=loss,
        policy_gradient_loss=surrogate_loss,
        value_loss=error,
        entropy_loss=negative_entropy,
        approx_kl=kl,
        clip_fraction=fraction,
        learning_rate=learning_rate,
        clip_range=clip_range,
        ent_coef=ent_coef,
        epochs=epoch,
    )
