"""Leaves the space after the colon out."""

from gcb6206.exercises import solves

HINT = "its name, a colon, a space"


@solves("hw2.tuning")
def tuning():
    return "frames_per_batch:6000\nn_iters:8\nlr:0.002"
