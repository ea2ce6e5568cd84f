"""Counts the age of every episode and gathers."""

import torch

from gcb6206.exercises import solves


@solves("hw4.observation_history")
def observation_history(observation, begins, length):
    batch, steps, agents, features = observation.shape
    age = torch.zeros(batch, dtype=torch.long)
    result = observation.new_zeros(batch, steps, agents, length, features)
    for t in range(steps):
        age = torch.where(begins[:, t, 0], 0, age + 1) if t else age
        for back in range(length):
            result[:, t, :, back] = observation[torch.arange(batch), t - age.clamp(max=back)]
    return result.reshape(batch, steps, agents, length * features)
