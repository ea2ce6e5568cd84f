"""Names a term that there is not."""

from gcb6206.exercises import solves

HINT = "Weights of rewards are"


@solves("hw5.shaping")
def shaping():
    return """
        treasures: 2
    """
