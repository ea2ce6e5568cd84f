"""numpy's interpolation."""

import numpy as np

from gcb6206.exercises import solves


@solves("hw1.linear_schedule")
def linear_schedule(start, end, progress):
    return float(np.interp(progress, [0.0, 1.0], [start, end]))
