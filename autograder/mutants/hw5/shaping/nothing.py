"""Returns an empty text."""

from gcb6206.exercises import solves

HINT = "its name, a colon, a space"


@solves("hw5.shaping")
def shaping():
    return ""
