"""So much entropy that noise pays."""

from gcb6206.exercises import solves

HINT = "The entropy stays"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 600
        lr: 0.002
        gamma: 0.9
        entropy_eps: 2
    """
