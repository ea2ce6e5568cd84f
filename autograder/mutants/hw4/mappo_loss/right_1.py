"""With the axis added to the log-probabilities, and mse_loss."""

import torch
import torch.nn.functional as F

from gcb6206.exercises import solves


@solves("hw4.mappo_loss")
def mappo_loss(
    log_prob,
    old_log_prob,
    advantage,
    entropy,
    value,
    value_target,
    clip_epsilon,
    entropy_eps,
    critic_coef,
):
    ratio = torch.exp(log_prob - old_log_prob).unsqueeze(-1)
    constant = advantage.detach()
    unclipped = ratio * constant
    clipped = torch.clip(ratio, 1 - clip_epsilon, 1 + clip_epsilon) * constant
    return {
        "loss_critic": critic_coef * F.mse_loss(value, value_target.detach()) / 2,
        "loss_entropy": -(entropy_eps * entropy),
        "loss_objective": torch.maximum(-unclipped, -clipped).mean(),
    }
