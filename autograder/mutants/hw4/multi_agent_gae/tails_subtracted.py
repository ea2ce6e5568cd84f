"""Adds up everything that follows and subtracts what lies behind the end."""

import torch

from gcb6206.exercises import solves

HINT = "keep environments and agents apart"


@solves("hw4.multi_agent_gae")
@torch.no_grad()
def multi_agent_gae(reward, value, next_value, terminated, done, gamma, lmbda):
    delta = reward + gamma * next_value * ~terminated - value
    if gamma * lmbda == 0.0:
        return delta, delta + value
    steps = torch.arange(delta.shape[1])[None, :, None, None]
    weight = (gamma * lmbda) ** steps
    later = (delta * weight).flip(1).cumsum(dim=1).flip(1)
    behind = torch.cat([later[:, 1:], torch.zeros_like(later[:, :1])], dim=1)
    end = torch.where(done, steps, delta.shape[1] - 1).flip(1).cummin(dim=1).values.flip(1)
    advantage = (later - behind.gather(1, end)) / weight
    return advantage, advantage + value
