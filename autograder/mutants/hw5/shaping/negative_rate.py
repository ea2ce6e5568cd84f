"""Gives a negative rate."""

from gcb6206.exercises import solves

HINT = "Weights of rewards are"


@solves("hw5.shaping")
def shaping():
    return """
        treasure: 2
        learning_rate: -0.001
    """
