"""A rate without bound."""

from gcb6206.exercises import solves

HINT = "expected a finite number"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 600
        lr: .inf
        gamma: 0.9
    """
