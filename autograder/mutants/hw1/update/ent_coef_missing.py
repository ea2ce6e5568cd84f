"""Does not weigh the entropy."""

from autograder.mutants import patched

HINT = "ent_coef is missing"

patched("hw1.update", ("- ent_coef * entropy", "- entropy"))
