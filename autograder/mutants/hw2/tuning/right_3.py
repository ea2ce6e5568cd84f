"""Written by a program, at the edge of the budget."""

from gcb6206.exercises import solves


@solves("hw2.tuning")
def tuning():
    settings = {"frames_per_batch": 3000, "n_iters": 16, "num_epochs": 10, "minibatch_size": 600}
    return "\n".join(f"{name}: {value}" for name, value in settings.items())
