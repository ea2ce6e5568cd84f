"""Sorts the indices within each minibatch."""

from autograder.mutants import patched

HINT = "more often at some places"

patched(
    "hw1.minibatch_indices",
    (".reshape(-1, batch_size)", ".reshape(-1, batch_size).sort(dim=1).values"),
)
