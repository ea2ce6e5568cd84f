"""Uses the next value where the step terminated."""

from autograder.mutants import patched

HINT = "inverted"

patched("hw4.multi_agent_gae", ("next_value * ~terminated", "next_value * terminated"))
