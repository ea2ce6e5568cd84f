"""Advances the observation before it stores the transition."""

from autograder.mutants import patched

HINT = "store before observation = next_observation"

patched("hw3.run_training_loop", ("observation=observation,\n", "observation=next_observation,\n"))
