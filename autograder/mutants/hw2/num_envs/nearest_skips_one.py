"""Names two episodes where one is nearer."""

from autograder.mutants import patched

HINT = "The nearest positive multiple"

patched("hw2.num_envs", ("max(episodes, 1)", "max(episodes, 2)"))
