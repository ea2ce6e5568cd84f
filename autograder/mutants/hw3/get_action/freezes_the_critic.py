"""Switches the critic's gradients off for good."""

from autograder.mutants import patched

HINT = "cannot learn any more"

patched("hw3.get_action", ("    if np.random", "    self.critic.requires_grad_(False)\n    if np.random"))
