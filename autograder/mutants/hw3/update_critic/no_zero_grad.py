"""Never zeroes the gradients, so they add up."""

from autograder.mutants import patched

HINT = "zero_grad()"

patched("hw3.update_critic", ("self.critic_optimizer.zero_grad()", ""))
