"""Returns targets minus values as advantages."""

from autograder.mutants import patched

HINT = "target minus the value"

patched(
    "hw5.vtrace",
    ("return targets, advantages", "return targets, targets - values"),
)
