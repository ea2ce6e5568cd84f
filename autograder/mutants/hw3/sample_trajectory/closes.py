"""Closes the environment at the end."""

from autograder.mutants import patched

HINT = "Do not close"

patched(
    "hw3.sample_trajectory",
    ("    episode_statistics = {", "    env.close()\n    episode_statistics = {"),
)
