"""With cat of the agents."""

import torch

from gcb6206.exercises import solves


@solves("hw4.global_state")
def global_state(observation):
    return torch.cat(observation.unbind(dim=-2), dim=-1)
