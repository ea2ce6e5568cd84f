"""Does not subtract the value."""

from autograder.mutants import patched

HINT = "not subtracted"

patched("hw4.multi_agent_gae", (" - value\n", "\n"))
