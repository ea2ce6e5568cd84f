"""Writes equals signs."""

from gcb6206.exercises import solves

HINT = "its name, a colon, a space"


@solves("hw5.shaping")
def shaping():
    return """
        treasure = 2
        end = 2
    """
