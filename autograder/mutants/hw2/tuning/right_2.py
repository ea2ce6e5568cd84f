"""As one flow mapping."""

from gcb6206.exercises import solves


@solves("hw2.tuning")
def tuning():
    settings = "frames_per_batch: 8000, n_iters: 6, num_epochs: 10, minibatch_size: 1000"
    return f"{{{settings}, lr: .003, max_grad_norm: null}}"
