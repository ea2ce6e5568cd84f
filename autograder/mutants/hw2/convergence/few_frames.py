"""A fifteenth of the frames: four environments."""

from gcb6206.exercises import solves

HINT = "of 48000 frames"


@solves("hw2.tuning")
def tuning():
    return """
        frames_per_batch: 400
        n_iters: 8
        num_epochs: 10
        minibatch_size: 40
        lr: 0.002
        gamma: 0.9
    """
