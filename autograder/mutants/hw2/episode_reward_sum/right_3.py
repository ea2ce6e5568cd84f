"""Keeps running sums and puts all that ended into one tensor."""

import torch

from gcb6206.exercises import solves


@solves("hw2.episode_reward_sum")
def episode_reward_sum(reward, done):
    sums, ended = 0.0, []
    for r, d in zip(reward.unbind(1), done.unbind(1)):
        sums = sums + r
        ended.append(torch.masked_select(sums, d))
        sums = torch.where(d, 0.0, sums)
    return torch.cat(ended).mean().item()
