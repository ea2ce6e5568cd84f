"""Returns the sum of p log p without the minus."""

from autograder.mutants import patched

HINT = "never negative"

patched("hw1.entropy_bonus", ("return -(", "return ("))
