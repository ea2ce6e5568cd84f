"""Gives a weight in words."""

from gcb6206.exercises import solves

HINT = "Weights of rewards are"


@solves("hw5.shaping")
def shaping():
    return """
        treasure: much
    """
