"""Takes the largest of each feature."""

from autograder.mutants import patched

HINT = "The largest of each feature"

patched("hw4.global_state", ("observation.flatten(-2)", "observation.amax(dim=-2)"))
