"""Gives a batch size that does not divide a trajectory."""

from gcb6206.exercises import solves

HINT = "Weights of rewards are"


@solves("hw5.shaping")
def shaping():
    return """
        treasure: 2
        batch_size: 1000
    """
