"""Two calls, division by B."""

from gcb6206.exercises import solves


@solves("hw1.normalize_advantage")
def normalize_advantage(advantage):
    centred = advantage - advantage.mean()
    return centred / (advantage.std(unbiased=False) + 1e-8)
