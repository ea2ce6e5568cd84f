"""A softmax, and one division in the place of the mean."""

import torch

from gcb6206.exercises import solves


@solves("hw1.entropy_bonus")
def entropy_bonus(log_probs):
    weights = torch.softmax(log_probs, dim=-1)
    return -torch.sum(weights * log_probs) / log_probs.shape[0]
