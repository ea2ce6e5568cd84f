"""One entry after the other, stacked."""

import torch

from gcb6206.exercises import solves
from gcb6206.networks.team import global_state


@solves("hw4.centralized_value")
def centralized_value(critic, observation):
    value = critic(global_state(observation))
    return torch.stack([value for _ in range(observation.shape[-2])], dim=-2)
