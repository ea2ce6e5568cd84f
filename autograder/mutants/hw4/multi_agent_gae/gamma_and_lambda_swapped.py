"""Discounts with lambda in the one-step error."""

from autograder.mutants import patched

HINT = "gamma and lambda swapped"

patched("hw4.multi_agent_gae", ("gamma * next_value", "lmbda * next_value"))
