"""Gives two rates at once, as a list."""

from gcb6206.exercises import solves

HINT = "its name, a colon, a space"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 600
        lr: [0.002, 0.001]
        gamma: 0.9
    """
