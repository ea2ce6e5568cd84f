"""The mean as a tensor of one number."""

import torch

from gcb6206.exercises import solves


@solves("hw2.episode_reward_sum")
def episode_reward_sum(reward, done):
    returns = []
    running = reward.new_zeros(reward[:, 0].shape)
    for t in range(reward.size(1)):
        running += reward[:, t]
        returns.extend(running[done[:, t]].unbind())
        running[done[:, t]] = 0
    return torch.stack(returns).mean() if returns else torch.tensor(torch.nan)
