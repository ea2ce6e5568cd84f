"""Keeps the earliest so far."""

import torch

from gcb6206.exercises import solves


@solves("hw2.first_nonfinite")
def first_nonfinite(tensors):
    found = None
    for name, tensor in tensors.items():
        places = torch.nonzero(torch.isnan(tensor) | torch.isinf(tensor))
        if len(places):
            step = places[:, 1].min().item()
            if found is None or step < found[1]:
                found = (name, step)
    return found
