"""Bootstraps from the critic itself."""

from autograder.mutants import patched

HINT = "target network's Q-values belong here"

patched("hw3.update_critic", ("= self.target_critic(next_obs)", "= self.critic(next_obs)"))
