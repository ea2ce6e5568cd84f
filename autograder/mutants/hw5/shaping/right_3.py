"""One line."""

from gcb6206.exercises import solves


@solves("hw5.shaping")
def shaping():
    return "approach: 0.25"
