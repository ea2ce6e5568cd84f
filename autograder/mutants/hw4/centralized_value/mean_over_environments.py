"""Gives all environments the same value."""

from autograder.mutants import patched

HINT = "judge each of them"

patched(
    "hw4.centralized_value",
    (
        "value = critic(team.global_state(observation))",
        "value = critic(team.global_state(observation))\n    value = value.mean().expand_as(value)",
    ),
)
