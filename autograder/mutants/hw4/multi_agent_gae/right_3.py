"""As a sum over all later errors, weighed by a matrix."""

import torch

from gcb6206.exercises import solves


@solves("hw4.multi_agent_gae")
def multi_agent_gae(reward, value, next_value, terminated, done, gamma, lmbda):
    value, next_value = value.detach(), next_value.detach()
    error = reward + torch.where(terminated, 0.0, gamma * next_value) - value
    decay = torch.where(done, 0.0, gamma * lmbda)
    advantage = error.clone()
    for t in range(error.shape[1]):
        weight = torch.ones_like(error[:, 0])
        for k in range(t + 1, error.shape[1]):
            weight = weight * decay[:, k - 1]
            advantage[:, t] += weight * error[:, k]
    return advantage, advantage + value
