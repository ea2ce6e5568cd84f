"""Cuts the trace at terminations only."""

from autograder.mutants import patched

HINT = "a time limit ended one too"

patched("hw4.multi_agent_gae", ("~done[:, t]", "~terminated[:, t]"))
