"""With NumPy, sorted by step and by place in the dictionary."""

import numpy as np

from gcb6206.exercises import solves


@solves("hw2.first_nonfinite")
def first_nonfinite(tensors):
    names = list(tensors)
    found = []
    for place, name in enumerate(names):
        _, steps, *_ = np.nonzero(~np.isfinite(tensors[name].numpy()))
        found += [(int(steps.min()), place)] if len(steps) else []
    if not found:
        return None
    step, place = sorted(found)[0]
    return names[place], step
