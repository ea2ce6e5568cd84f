"""Lets the trace run into the next episode."""

from autograder.mutants import patched

HINT = "runs on into the next episode"

patched("hw4.multi_agent_gae", (" * ~done[:, t]", ""))
