"""A batch that holds no whole number of episodes."""

from gcb6206.exercises import solves

HINT = "no multiple of max_steps"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 5950
        n_iters: 8
        num_epochs: 10
        minibatch_size: 600
        lr: 0.002
        gamma: 0.9
    """
