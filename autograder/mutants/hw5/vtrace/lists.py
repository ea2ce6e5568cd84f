"""Returns lists."""

from autograder.mutants import patched

HINT = "As the arguments have it"

patched(
    "hw5.vtrace",
    ("return targets, advantages", "return list(targets), list(advantages)"),
)
