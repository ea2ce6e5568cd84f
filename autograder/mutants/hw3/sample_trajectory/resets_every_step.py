"""Resets the environment before every step."""

from autograder.mutants import patched

HINT = "exactly where"

patched("hw3.sample_trajectory", ("        ac = agent", "        ob, _ = env.reset()\n        ac = agent"))
