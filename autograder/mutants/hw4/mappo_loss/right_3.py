"""One agent after the other, averaged in the end."""

import torch

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
    objectives, errors = [], []
    for n in range(log_prob.shape[1]):
        gain = advantage[:, n, 0].detach()
        ratio = torch.exp(log_prob[:, n] - old_log_prob[:, n])
        bounded = torch.clamp(ratio, 1 - clip_epsilon, 1 + clip_epsilon)
        objectives.append(torch.minimum(ratio * gain, bounded * gain).mean())
        errors.append(0.5 * (value[:, n] - value_target[:, n].detach()).square().mean())
    return {
        "loss_objective": -torch.stack(objectives).mean(),
        "loss_entropy": -entropy_eps * entropy,
        "loss_critic": critic_coef * torch.stack(errors).mean(),
    }
