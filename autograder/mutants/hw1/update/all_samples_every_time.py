"""Evaluates all samples in every minibatch."""

from autograder.mutants import patched

HINT = "all samples"

patched("hw1.update", ("batch = {name: rows[i] for name, rows in minibatches.items()}", "batch = samples"))
