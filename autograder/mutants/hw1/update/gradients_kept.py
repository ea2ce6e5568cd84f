"""Never forgets gradients."""

from autograder.mutants import patched

HINT = "Former gradients"

patched("hw1.update", ("            self.optimizer.zero_grad()\n", ""))
