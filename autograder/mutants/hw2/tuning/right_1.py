"""Other settings, with comments and scientific notation."""

from gcb6206.exercises import solves


@solves("hw2.tuning")
def tuning():
    return """
        # small batches, few passes
        frames_per_batch: 4000   # 40 environments
        n_iters: 12
        num_epochs: 8
        minibatch_size: 500
        lr: 1e-3
        lr_final: 1e-4
    """
