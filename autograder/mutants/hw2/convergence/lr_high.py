"""A rate thirty times too high."""

from gcb6206.exercises import solves

HINT = "The policy changes too fast"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 6000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 600
        lr: 0.06
        gamma: 0.9
    """
