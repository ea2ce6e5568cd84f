"""Takes the targets before the recursion."""

from autograder.mutants import patched

HINT = "values alone"

patched("hw4.multi_agent_gae", ("return advantage, advantage + value", "return advantage, value.clone()"))
