"""With NumPy's argmax, whose numbers are its own."""

import numpy as np

from gcb6206.exercises import solves


@solves("hw2.first_nonfinite")
def first_nonfinite(tensors):
    best = None
    for name, tensor in tensors.items():
        finite = np.isfinite(tensor.numpy()).reshape(*tensor.shape[:2], -1)
        broken = ~finite.all(axis=(0, 2))
        if broken.any():
            step = np.argmax(broken)
            if best is None or step < best[1]:
                best = [name, step]
    return best
