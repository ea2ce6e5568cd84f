"""One agent of one environment after the other, with plain ifs."""

import torch

from gcb6206.exercises import solves


@solves("hw4.multi_agent_gae")
def multi_agent_gae(reward, value, next_value, terminated, done, gamma, lmbda):
    advantage = torch.zeros(reward.shape)
    batch, steps, agents, _ = reward.shape
    for b in range(batch):
        for n in range(agents):
            running = 0.0
            for t in range(steps - 1, -1, -1):
                if done[b, t, n]:
                    running = 0.0
                bootstrap = 0.0 if terminated[b, t, n] else next_value[b, t, n].item()
                delta = reward[b, t, n].item() + gamma * bootstrap - value[b, t, n].item()
                running = delta + gamma * lmbda * running
                advantage[b, t, n] = running
    return advantage, (advantage + value).detach()
