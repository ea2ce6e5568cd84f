"""Looks at environment 0 only."""

from gcb6206.exercises import solves

HINT = "This is not found"


@solves("hw2.first_nonfinite")
def first_nonfinite(tensors):
    for t in range(min(len(tensor[0]) for tensor in tensors.values())):
        for name, tensor in tensors.items():
            if not tensor[0, t].isfinite().all():
                return name, t
    return None
