"""Weighs the policy by the returns."""

from autograder.mutants import patched

HINT = "take the advantages"

patched("hw1.update", ('advantage = batch["advantages"]', 'advantage = batch["returns"]'))
