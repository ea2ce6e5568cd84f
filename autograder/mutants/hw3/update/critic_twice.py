"""Updates the critic twice."""

from autograder.mutants import patched

HINT = "called twice"

patched(
    "hw3.update",
    (
        "    critic_stats = self",
        "    self.update_critic(obs, action, reward, next_obs, done)\n    critic_stats = self",
    ),
)
