"""Divides by the root of the standard deviation."""

from autograder.mutants import patched

HINT = "root of the standard deviation"

patched("hw1.normalize_advantage", ("(std + 1e-8)", "(std.sqrt() + 1e-8)"))
