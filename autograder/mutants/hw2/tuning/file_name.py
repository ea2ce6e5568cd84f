"""Returns the name of a file."""

from gcb6206.exercises import solves

HINT = "its name, a colon, a space"


@solves("hw2.tuning")
def tuning():
    return "experiments/vmas/navigation.yaml"
