"""An ordered dictionary."""

import collections

import torch

from gcb6206.exercises import solves


@solves("hw4.mappo_loss")
def mappo_loss(
    log_prob, old_log_prob, advantage, entropy, value, value_target, clip_epsilon, entropy_eps, critic_coef
):
    ratio = (log_prob - old_log_prob).exp()
    adv = advantage.detach().squeeze(-1)
    return collections.OrderedDict(
        loss_objective=-torch.min(ratio * adv, ratio.clamp(1 - clip_epsilon, 1 + clip_epsilon) * adv).mean(),
        loss_entropy=-entropy_eps * entropy,
        loss_critic=critic_coef * ((value - value_target.detach()) ** 2).mean() / 2,
    )
