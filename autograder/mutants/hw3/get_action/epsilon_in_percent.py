"""Compares epsilon with whole percents, so that 0.2 % explore in 1 %."""

from autograder.mutants import patched

HINT = "Epsilon is rounded"

patched("hw3.get_action", ("np.random.random() < epsilon", "np.random.randint(100) < 100 * epsilon"))
