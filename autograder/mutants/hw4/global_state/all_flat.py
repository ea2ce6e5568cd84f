"""Makes one long row."""

from autograder.mutants import patched

HINT = "Everything is flat"

patched("hw4.global_state", ("observation.flatten(-2)", "observation.flatten()"))
