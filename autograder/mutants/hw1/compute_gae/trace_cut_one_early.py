"""Cuts the trace by the flags of the step after."""

from autograder.mutants import patched

HINT = "cut one step early"

patched("hw1.compute_gae", ("* same_episode[t]", "* (same_episode[t + 1] if t + 1 < len(rewards) else True)"))
