"""Takes a number of frames below 0."""

from autograder.mutants import patched

HINT = "below 0"

patched("hw2.num_envs", ("if rest or episodes < 1", "if rest or episodes == 0"))
