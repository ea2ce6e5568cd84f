"""Returns one entropy for each row."""

from autograder.mutants import patched

HINT = "mean over the rows"

patched("hw1.entropy_bonus", (".sum(dim=1).mean()", ".sum(dim=1)"))
