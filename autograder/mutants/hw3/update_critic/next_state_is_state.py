"""Bootstraps from the same state."""

from autograder.mutants import patched

HINT = "the next state, next_obs"

patched(
    "hw3.update_critic",
    ("self.target_critic(next_obs)", "self.target_critic(obs)"),
    ("self.critic(next_obs)", "self.critic(obs)"),
)
