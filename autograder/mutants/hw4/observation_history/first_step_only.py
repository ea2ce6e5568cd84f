"""Notices the beginning only in the very step."""

import torch

from gcb6206.exercises import solves

HINT = "reaches over"


@solves("hw4.observation_history")
def observation_history(observation, begins, length):
    batch, steps = observation.shape[:2]
    result = []
    for t in range(steps):
        older = [observation[:, max(t - age, 0)] for age in range(length)]
        now = observation[:, t]
        result.append(torch.cat([torch.where(begins[:, t, None], now, past) for past in older], dim=-1))
    return torch.stack(result, dim=1)
