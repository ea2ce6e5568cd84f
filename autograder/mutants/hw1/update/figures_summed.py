"""Returns sums."""

from autograder.mutants import patched

HINT = "sum over the minibatches"

patched("hw1.update", ("float(np.mean(", "float(np.sum("))
