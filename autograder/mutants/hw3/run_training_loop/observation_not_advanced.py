"""Never advances the observation within an episode."""

from autograder.mutants import patched

HINT = "never advanced"

patched("hw3.run_training_loop", ("observation = next_observation\n\n", "pass\n\n"))
