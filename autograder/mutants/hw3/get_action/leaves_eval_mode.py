"""Leaves the critic in evaluation mode."""

from autograder.mutants import patched

HINT = "leave it there"

patched("hw3.get_action", ("    if np.random", "    self.critic.eval()\n    if np.random"))
