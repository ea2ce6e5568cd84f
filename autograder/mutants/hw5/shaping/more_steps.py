"""Takes more steps."""

from gcb6206.exercises import solves

HINT = "Weights of rewards are"


@solves("hw5.shaping")
def shaping():
    return """
        treasure: 2
        total_steps: 1000000
    """
