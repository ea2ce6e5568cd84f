"""The reference's weights in scientific notation, with comments."""

from gcb6206.exercises import solves


@solves("hw5.shaping")
def shaping():
    return """
        # little for the end, something for every step towards a treasure
        treasure: 2e0
        end: 2e0   # less than in the notes
        missed: -5e-1
        approach: 0.2
        flash_approach: 0.2
        learning_rate: 1e-3
        gamma: .95
    """
