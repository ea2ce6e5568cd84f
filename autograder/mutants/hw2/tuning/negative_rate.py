"""A rate below 0."""

from gcb6206.exercises import solves

HINT = "lr is -0.002: expected above 0"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 600
        lr: -0.002
        gamma: 0.9
    """
