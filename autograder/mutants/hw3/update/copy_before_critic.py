"""Copies before the critic's step."""

from autograder.mutants import patched

HINT = "update the critic first"

patched(
    "hw3.update",
    ("    critic_stats = self.update_critic(obs, action, reward, next_obs, done)\n", ""),
    (
        "    return critic_stats",
        "    critic_stats = self.update_critic(obs, action, reward, next_obs, done)\n    return critic_stats",
    ),
)
