"""Never explores, as if evaluation and training were the same."""

from autograder.mutants import patched

HINT = "you never explore"

patched("hw3.get_action", ("np.random.random() < epsilon", "False"))
