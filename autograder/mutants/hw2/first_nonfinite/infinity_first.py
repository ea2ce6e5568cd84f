"""Looks for infinities everywhere, and for NaN only where there are none."""

import torch

from gcb6206.exercises import solves

HINT = "count alike"


@solves("hw2.first_nonfinite")
def first_nonfinite(tensors):
    for is_broken in (torch.isinf, torch.isnan):
        for t in range(min(tensor.shape[1] for tensor in tensors.values())):
            for name, tensor in tensors.items():
                if is_broken(tensor[:, t]).any():
                    return name, t
    return None
