"""Computes the gradient and does not take the step."""

from autograder.mutants import patched

HINT = "weights did not move"

patched("hw3.update_critic", ("self.critic_optimizer.step()", ""))
