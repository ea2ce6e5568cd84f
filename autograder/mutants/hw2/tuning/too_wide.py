"""Wider networks."""

from gcb6206.exercises import solves

HINT = "Tunable are frames_per_batch"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 600
        lr: 0.002
        gamma: 0.9
        num_cells: 256
    """
