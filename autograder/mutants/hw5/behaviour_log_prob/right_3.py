"""Game by game."""

import numpy as np
import torch

from gcb6206.exercises import solves


@solves("hw5.behaviour_log_prob")
@torch.no_grad()
def behaviour_log_prob(policy, observations, noise):
    log_probs, values = policy(torch.tensor(observations))
    actions, kept = [], []
    for i, row in enumerate(log_probs.tolist()):
        shift = [0.0] * len(row) if noise is None else noise[i].tolist()
        action = max(range(len(row)), key=lambda a: row[a] + shift[a])
        actions.append(action)
        kept.append(row[action])
    return np.array(actions, np.int64), np.array(kept, np.float32), np.array(values, np.float32)
