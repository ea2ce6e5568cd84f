"""Takes a time limit for a termination."""

from autograder.mutants import patched

HINT = "A time limit is treated as an end"

patched("hw4.multi_agent_gae", ("~terminated", "~done"))
