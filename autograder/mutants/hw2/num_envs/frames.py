"""Returns the frames."""

from autograder.mutants import patched

HINT = "These are the frames"

patched("hw2.num_envs", ("return episodes\n", "return episodes * max_steps\n"))
