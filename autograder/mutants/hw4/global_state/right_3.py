"""One agent after the other, into an empty tensor."""

import torch

from gcb6206.exercises import solves


@solves("hw4.global_state")
def global_state(observation):
    agents, features = observation.shape[-2:]
    state = torch.empty(*observation.shape[:-2], agents * features)
    for i in range(agents):
        state[..., i * features : (i + 1) * features] = observation[..., i, :]
    return state
