"""Returns the advantages for targets."""

from autograder.mutants import patched

HINT = "add the values"

patched("hw4.multi_agent_gae", ("return advantage, advantage + value", "return advantage, advantage"))
