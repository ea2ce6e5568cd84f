"""Divides the value by the number of agents."""

from autograder.mutants import patched

HINT = "divided among the agents"

patched(
    "hw4.centralized_value",
    (
        "value = critic(team.global_state(observation))",
        "value = critic(team.global_state(observation)) / observation.shape[-2]",
    ),
)
