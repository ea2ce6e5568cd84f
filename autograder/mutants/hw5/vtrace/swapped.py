"""Returns the advantages first."""

from autograder.mutants import patched

HINT = "These are the advantages"

patched(
    "hw5.vtrace",
    ("return targets, advantages", "return advantages, targets"),
)
