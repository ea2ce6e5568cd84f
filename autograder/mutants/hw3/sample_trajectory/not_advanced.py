"""Never advances the observation."""

from autograder.mutants import patched

HINT = "never advanced"

patched("hw3.sample_trajectory", ("ob = next_ob\n", "\n"))
