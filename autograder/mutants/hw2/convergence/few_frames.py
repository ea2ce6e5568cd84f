"""A third of the frames, in small batches."""

from gcb6206.exercises import solves

HINT = "of 48000 frames"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 2000
        n_iters: 8
        num_epochs: 10
        minibatch_size: 200
        lr: 0.002
        gamma: 0.9
    """
