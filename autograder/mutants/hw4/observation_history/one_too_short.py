"""Is one observation too short."""

from autograder.mutants import patched

HINT = "length * features"

patched("hw4.observation_history", ("range(length)]", "range(max(1, length - 1))]"))
