"""Never forgets gradients."""

from autograder.mutants import patched

HINT = "Old gradients"

patched("hw1.update", ("            self.optimizer.zero_grad()\n", ""))
