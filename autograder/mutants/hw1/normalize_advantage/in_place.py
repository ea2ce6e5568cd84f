"""Changes the argument."""

from autograder.mutants import patched

HINT = "copies of your own"

patched("hw1.normalize_advantage", ("    std, mean", "    advantage -= advantage.mean()\n    std, mean"))
