"""Cuts the trace one step late."""

from autograder.mutants import patched

HINT = "cut one step late"

patched("hw4.multi_agent_gae", ("~done[:, t]", "~done[:, max(t - 1, 0)]"))
