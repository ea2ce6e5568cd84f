"""The score alone."""

from gcb6206.exercises import solves

HINT = "no term says that the way is right"


@solves("hw5.shaping")
def shaping():
    return """
        score: 0.01
        treasure: 0
        end: 0
        missed: 0
        buff: 0
        approach: 0
        flash_approach: 0
        wall: 0
        flash_wall: 0
        revisit: 0
        step: 0
        learning_rate: 0.001
        gamma: 0.95
        n_epochs: 4
        batch_size: 256
        normalize_advantages: true
        ent_coef: 0.01
    """
