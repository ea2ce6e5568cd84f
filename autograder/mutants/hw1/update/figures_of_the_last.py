"""Returns the figures of the last minibatch."""

from autograder.mutants import patched

HINT = "last minibatch's"

patched("hw1.update", ("float(np.mean([row[name] for row in figures]))", "figures[-1][name]"))
