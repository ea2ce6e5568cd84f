"""Returns the name of a file."""

from gcb6206.exercises import solves

HINT = "its name, a colon, a space"


@solves("hw5.shaping")
def shaping():
    return "experiments/realm/small.yaml"
