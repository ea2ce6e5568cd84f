"""Flattens the axes in the wrong order."""

from autograder.mutants import patched

HINT = "interleaved"

patched(
    "hw4.centralized_value",
    (
        "value = critic(team.global_state(observation))",
        "value = critic(observation.transpose(-1, -2).flatten(-2))",
    ),
)
