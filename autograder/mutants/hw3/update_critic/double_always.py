"""Uses double Q-learning whether asked or not."""

from autograder.mutants import patched

HINT = "although use_double_q is False"

patched(
    "hw3.update_critic",
    ("self.critic(next_obs) if self.use_double_q else next_q_values", "self.critic(next_obs)"),
)
