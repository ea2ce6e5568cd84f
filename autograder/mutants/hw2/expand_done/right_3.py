"""By an outer product of flags."""

import torch

from gcb6206.exercises import solves


@solves("hw2.expand_done")
def expand_done(done, n_agents):
    team = torch.ones(n_agents, 1, dtype=torch.bool)
    return torch.logical_and(done.unsqueeze(2), team)
