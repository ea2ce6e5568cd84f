"""Takes no step."""

from autograder.mutants import patched

HINT = "No step of self.optimizer was taken"

patched("hw1.update", ("            self.optimizer.step()\n", ""))
