"""The notes' weights, as they stand in the notebook."""

from gcb6206.exercises import solves

HINT = "Weigh missed less"


@solves("hw5.shaping")
def shaping():
    return """
        treasure: 10
        end: 15
        missed: -10
        approach: 0.05
        flash_approach: 0.25
        learning_rate: 0.00025
        gamma: 0.999
    """
