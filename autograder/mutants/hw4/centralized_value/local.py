"""Asks the critic about each agent alone."""

from autograder.mutants import patched

HINT = "sees one agent only"

patched(
    "hw4.centralized_value",
    ("value = critic(team.global_state(observation))", "return critic(observation)"),
)
