"""Returns a float."""

from autograder.mutants import patched

HINT = "divide with //"

patched("hw2.num_envs", ("return episodes\n", "return frames_per_batch / max_steps\n"))
