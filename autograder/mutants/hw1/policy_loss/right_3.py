"""A mask says which samples still count."""

import torch

from gcb6206.exercises import solves


@solves("hw1.policy_loss")
def policy_loss(log_prob, old_log_prob, advantage, clip_range):
    with torch.no_grad():
        weight = advantage + 0.0
    ratio = (log_prob - old_log_prob).exp()
    over = (weight > 0) & (ratio > 1 + clip_range)
    under = (weight < 0) & (ratio < 1 - clip_range)
    limited = torch.where(over, torch.full_like(ratio, 1 + clip_range), ratio)
    limited = torch.where(under, torch.full_like(ratio, 1 - clip_range), limited)
    return -torch.mean(limited * weight)
