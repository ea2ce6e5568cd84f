"""Lets the critic learn the advantages."""

from autograder.mutants import patched

HINT = "These are the advantages"

patched("hw1.update", ('batch["values"], batch["returns"]', 'batch["values"], batch["advantages"]'))
