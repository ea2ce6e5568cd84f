"""Double Q: the critic chooses and values."""

from autograder.mutants import patched

HINT = "online critic does both"

patched(
    "hw3.update_critic",
    (
        "= self.target_critic(next_obs)",
        "= (self.critic if self.use_double_q else self.target_critic)(next_obs)",
    ),
)
