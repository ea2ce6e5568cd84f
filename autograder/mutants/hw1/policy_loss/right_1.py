"""CleanRL's form: the larger of two losses."""

import torch

from gcb6206.exercises import solves


@solves("hw1.policy_loss")
def policy_loss(log_prob, old_log_prob, advantage, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    advantage = advantage.detach()
    loss1 = -advantage * ratio
    loss2 = -advantage * torch.clamp(ratio, 1 - clip_range, 1 + clip_range)
    return torch.max(loss1, loss2).mean()
