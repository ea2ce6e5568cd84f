"""A rate a hundred times too low."""

from gcb6206.exercises import solves

HINT = "The policy hardly changes"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 600
        lr: 0.00002
        gamma: 0.9
    """
