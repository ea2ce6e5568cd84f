"""Tells the last broken step of the tensor."""

from gcb6206.exercises import solves

HINT = "the last step with such a number"


@solves("hw2.first_nonfinite")
def first_nonfinite(tensors):
    first, last = {}, {}
    for name, tensor in tensors.items():
        steps = [t for t in range(tensor.shape[1]) if not tensor[:, t].isfinite().all()]
        if steps:
            first[name], last[name] = steps[0], steps[-1]
    name = min(first, key=first.get, default=None)
    return None if name is None else (name, last[name])
