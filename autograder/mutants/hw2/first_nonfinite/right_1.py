"""Step by step, tensor by tensor."""

from gcb6206.exercises import solves


@solves("hw2.first_nonfinite")
def first_nonfinite(tensors):
    steps = max(tensor.shape[1] for tensor in tensors.values())
    for t in range(steps):
        for name, tensor in tensors.items():
            if not tensor[:, t].isfinite().all():
                return name, t
    return None
