"""Changes the argument."""

from autograder.mutants import patched

HINT = "your own copies"

patched("hw1.normalize_advantage", ("    std, mean", "    advantage -= advantage.mean()\n    std, mean"))
