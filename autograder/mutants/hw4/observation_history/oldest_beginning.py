"""Stops at the oldest beginning that it finds."""

import torch

from gcb6206.exercises import solves

HINT = "the newer one counts"


@solves("hw4.observation_history")
def observation_history(observation, begins, length):
    histories = observation.unsqueeze(3).repeat(1, 1, 1, length, 1)
    for i, starts in enumerate(begins[..., 0].tolist()):
        for t in range(len(starts)):
            reach = range(max(0, t - length + 1), t + 1)
            first = next((s for s in reach if starts[s]), 0)
            for age in range(length):
                histories[i, t, :, age] = observation[i, max(t - age, first)]
    return torch.flatten(histories, 3)
