"""Returns the advantages only."""

from autograder.mutants import patched

HINT = "advantage + value"

patched("hw4.multi_agent_gae", ("return advantage, advantage + value", "return advantage"))
