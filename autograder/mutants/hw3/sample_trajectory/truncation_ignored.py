"""Goes on after a truncated step."""

from autograder.mutants import patched

HINT = "rollout goes on"

patched("hw3.sample_trajectory", ("terminated or truncated or", "terminated or"))
