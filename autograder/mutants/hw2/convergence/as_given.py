"""The settings that stand in the notebook."""

from gcb6206.exercises import solves

HINT = "The policy hardly changes"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 24000
        n_iters: 2
        num_epochs: 5
        minibatch_size: 12000
        lr: 0.00003
    """
