"""Returns a dictionary."""

from gcb6206.exercises import solves

HINT = "Return the YAML text itself"


@solves("hw5.shaping")
def shaping():
    return {"treasure": 2.0}
