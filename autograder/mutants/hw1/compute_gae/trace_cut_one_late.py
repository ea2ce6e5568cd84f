"""Cuts the trace by the flags of the step before."""

from autograder.mutants import patched

HINT = "cut one step late"

patched("hw1.compute_gae", ("* same_episode[t]", "* (same_episode[t - 1] if t > 0 else True)"))
