"""Closes no bracket."""

from gcb6206.exercises import solves

HINT = "its name, a colon, a space"


@solves("hw2.tuning")
def tuning():
    return "{frames_per_batch: 6000, n_iters: 8"
