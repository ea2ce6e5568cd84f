"""The reference without a term that says something in every step."""

from gcb6206.exercises import solves

HINT = "no term says that the way is right"


@solves("hw5.shaping")
def shaping():
    return """
        treasure: 2
        end: 2
        missed: -1
        approach: 0
        flash_approach: 0
        learning_rate: 0.001
        gamma: 0.95
        n_epochs: 4
        batch_size: 256
        normalize_advantages: true
        ent_coef: 0.01
    """
