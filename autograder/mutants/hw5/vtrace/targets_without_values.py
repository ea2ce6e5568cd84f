"""Leaves the values out of the targets."""

from autograder.mutants import patched

HINT = "These are the advantages"

patched(
    "hw5.vtrace",
    ("targets[t] = values[t] + excess", "targets[t] = excess"),
)
