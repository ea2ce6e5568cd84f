"""Takes small minibatches."""

from gcb6206.exercises import solves

HINT = "Raise batch_size"


@solves("hw5.shaping")
def shaping():
    return """
        treasure: 2
        n_epochs: 4
        batch_size: 64
    """
