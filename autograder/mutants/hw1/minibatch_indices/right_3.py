"""A shuffled list."""

import random

import torch

from gcb6206.exercises import solves


@solves("hw1.minibatch_indices")
def minibatch_indices(num_samples, batch_size):
    order = list(range(num_samples))
    random.shuffle(order)
    return torch.tensor([order[i : i + batch_size] for i in range(0, num_samples, batch_size)])
