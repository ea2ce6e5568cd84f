"""Returns the same order once more, backwards, in every second call."""

import torch

from gcb6206.exercises import solves

HINT = "An order follows from the one before"
kept = []


@solves("hw1.minibatch_indices")
def minibatch_indices(num_samples, batch_size):
    if kept and kept[0].shape == (num_samples // batch_size, batch_size):
        return kept.pop().flip(0, 1)
    kept[:] = [torch.randperm(num_samples).reshape(-1, batch_size)]
    return kept[0]
