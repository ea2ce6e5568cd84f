"""Is never longer than the batch."""

from autograder.mutants import patched

HINT = "longer than the batch"

patched("hw4.observation_history", ("range(length)]", "range(min(length, observation.shape[1]))]"))
