"""Chooses a smaller task."""

from gcb6206.exercises import solves

HINT = "Weights of rewards are"


@solves("hw5.shaping")
def shaping():
    return """
        treasure: 2
        treasure_num: 1
    """
