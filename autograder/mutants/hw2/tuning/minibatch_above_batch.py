"""A minibatch larger than the batch."""

from gcb6206.exercises import solves

HINT = "more than the 6000 frames"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 12000
        lr: 0.002
        gamma: 0.9
    """
