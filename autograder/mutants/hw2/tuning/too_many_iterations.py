"""Many iterations of few environments."""

from gcb6206.exercises import solves

HINT = "use larger batches"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 2000
        n_iters: 24
        num_epochs: 10
        minibatch_size: 1000
        lr: 0.002
        gamma: 0.9
    """
