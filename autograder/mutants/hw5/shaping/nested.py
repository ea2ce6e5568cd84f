"""Puts the weights below one name, as the files of experiments do."""

from gcb6206.exercises import solves

HINT = "its name, a colon, a space"


@solves("hw5.shaping")
def shaping():
    return """
        rewards:
            treasure: 2
            end: 2
    """
