"""Advances the observation before it stores it."""

from autograder.mutants import patched

HINT = "store ob before"

patched("hw3.sample_trajectory", ("        obs.append(ob)", "        ob = next_ob\n        obs.append(ob)"))
