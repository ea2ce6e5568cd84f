"""PyTorch's categorical distribution."""

import torch

from gcb6206.exercises import solves


@solves("hw1.entropy_bonus")
def entropy_bonus(log_probs):
    return torch.distributions.Categorical(probs=log_probs.exp()).entropy().mean()
