"""Takes one step more than max_length, as the original homework did."""

from autograder.mutants import patched

HINT = "One step too many"

patched("hw3.sample_trajectory", ("steps >= max_length", "steps > max_length"))
