"""Does not cut the order into minibatches."""

from autograder.mutants import patched

HINT = "One row for each minibatch"

patched("hw1.minibatch_indices", (".reshape(-1, batch_size)", ""))
