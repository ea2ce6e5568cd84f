"""With one bound for each sign of the advantage."""

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
    gain = advantage[..., 0].detach()
    ratio = (log_prob - old_log_prob).exp()
    limited = torch.where(gain > 0, ratio.clamp(max=1 + clip_epsilon), ratio.clamp(min=1 - clip_epsilon))
    error = (value - value_target.detach()).flatten()
    return dict(
        loss_objective=-(limited * gain).mean(),
        loss_entropy=entropy * -entropy_eps,
        loss_critic=critic_coef * (error @ error) / (2 * len(error)),
    )
