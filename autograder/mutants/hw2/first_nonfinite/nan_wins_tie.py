"""At the same step, a NaN counts before an infinity."""

import torch

from gcb6206.exercises import solves

HINT = "whether it holds NaN or an infinity"


@solves("hw2.first_nonfinite")
def first_nonfinite(tensors):
    for t in range(min(tensor.shape[1] for tensor in tensors.values())):
        for is_broken in (torch.isnan, torch.isinf):
            for name, tensor in tensors.items():
                if is_broken(tensor[:, t]).any():
                    return name, t
    return None
