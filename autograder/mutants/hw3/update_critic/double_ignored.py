"""Ignores use_double_q."""

from autograder.mutants import patched

HINT = "use_double_q is ignored"

patched(
    "hw3.update_critic", ("self.critic(next_obs) if self.use_double_q else next_q_values", "next_q_values")
)
