"""Cuts the trace one step early."""

from autograder.mutants import patched

HINT = "cut one step early"

patched("hw4.multi_agent_gae", ("~done[:, t]", "~done[:, min(t + 1, delta.shape[1] - 1)]"))
