"""Remembers what it found in earlier calls."""

from gcb6206.exercises import solves

HINT = "start from nothing"

first_steps = {}


@solves("hw2.first_nonfinite")
def first_nonfinite(tensors):
    for name, tensor in tensors.items():
        steps = (~tensor.isfinite()).nonzero()[:, 1]
        if len(steps):
            first_steps[name] = min(steps.min().item(), first_steps.get(name, tensor.shape[1]))
    return min(first_steps.items(), key=lambda item: item[1], default=None)
