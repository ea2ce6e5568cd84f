"""Chooses the first action and repeats it."""

from autograder.mutants import patched

HINT = "once for every step"

patched(
    "hw3.sample_trajectory",
    ("        ac = agent.get_action(ob)\n", ""),
    ("    steps = 0", "    ac = agent.get_action(ob)\n    steps = 0"),
)
