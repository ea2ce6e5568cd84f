"""Computes the returns before the recursion has run."""

from autograder.mutants import patched

HINT = "after the recursion"

patched(
    "hw1.compute_gae",
    ("    for t in reversed", "    returns = advantages + values\n    for t in reversed"),
    (("    ### BEGIN SOLUTION\n    returns = advantages + values\n"), "    ### BEGIN SOLUTION\n"),
)
