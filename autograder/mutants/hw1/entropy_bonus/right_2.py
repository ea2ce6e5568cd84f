"""Names for the steps, einsum."""

import torch

from gcb6206.exercises import solves


@solves("hw1.entropy_bonus")
def entropy_bonus(log_probs):
    probabilities = torch.exp(log_probs)
    surprise = -log_probs
    return torch.einsum("ba,ba->b", probabilities, surprise).mean()
