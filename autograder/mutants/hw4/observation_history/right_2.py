"""Every age from the one before it: moved on by one step, begun anew with the episode."""

import torch

from gcb6206.exercises import solves


@solves("hw4.observation_history")
def observation_history(observation, begins, length):
    parts = [observation]
    for _ in range(length - 1):
        moved = torch.cat([observation[:, :1], parts[-1][:, :-1]], dim=1)
        parts.append(torch.where(begins.unsqueeze(-1), observation, moved))
    return torch.cat(parts, dim=-1)
