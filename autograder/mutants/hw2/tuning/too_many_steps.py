"""Minibatches so small that there are too many steps."""

from gcb6206.exercises import solves

HINT = "raise minibatch_size"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 300
        lr: 0.002
        gamma: 0.9
    """
