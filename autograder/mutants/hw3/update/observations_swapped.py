"""Passes obs and next_obs in each other's place."""

from autograder.mutants import patched

HINT = "order of the arguments"

patched(
    "hw3.update",
    (
        "update_critic(obs, action, reward, next_obs, done)",
        "update_critic(next_obs, action, reward, obs, done)",
    ),
)
