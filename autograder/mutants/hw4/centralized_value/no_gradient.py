"""Cuts the gradient."""

from autograder.mutants import patched

HINT = "No gradient reaches the critic"

patched(
    "hw4.centralized_value",
    (
        "value = critic(team.global_state(observation))",
        "value = critic(team.global_state(observation)).detach()",
    ),
)
