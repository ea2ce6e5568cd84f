"""Twice the frames."""

from gcb6206.exercises import solves

HINT = "n_iters * frames_per_batch are too many"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 16
        num_epochs: 5
        minibatch_size: 600
        lr: 0.002
        gamma: 0.9
    """
