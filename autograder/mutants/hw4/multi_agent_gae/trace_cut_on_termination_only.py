"""Cuts the trace at terminations only."""

from autograder.mutants import patched

HINT = "wherever done says"

patched("hw4.multi_agent_gae", ("~done[:, t]", "~terminated[:, t]"))
