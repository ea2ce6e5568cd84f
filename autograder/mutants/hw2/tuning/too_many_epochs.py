"""Too many passes, in large minibatches."""

from gcb6206.exercises import solves

HINT = "Fewer passes"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 20
        minibatch_size: 3000
        lr: 0.002
        gamma: 0.9
    """
