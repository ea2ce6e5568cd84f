"""Learns from every step eight times."""

from gcb6206.exercises import solves

HINT = "n_epochs * production_consume_ratio"


@solves("hw5.shaping")
def shaping():
    return """
        treasure: 2
        n_epochs: 4
        production_consume_ratio: 2
        batch_size: 512
    """
