"""One copy for each agent, stacked."""

import torch

from gcb6206.exercises import solves


@solves("hw2.expand_done")
def expand_done(done, n_agents):
    return torch.stack([done] * n_agents, dim=2)
