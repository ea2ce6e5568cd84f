"""A rate that is no number."""

from gcb6206.exercises import solves

HINT = "lr is 'small': expected float"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 600
        lr: small
        gamma: 0.9
    """
