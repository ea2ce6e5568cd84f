"""Returns a list."""

from autograder.mutants import patched

HINT = "Return one tensor"

patched("hw1.minibatch_indices", (".reshape(-1, batch_size)", ".reshape(-1, batch_size).tolist()"))
