"""Names 0 frames as the nearest of a small batch."""

from autograder.mutants import patched

HINT = "The nearest positive multiple"

patched(
    "hw2.num_envs", ("below, above = max(episodes, 1) * max_steps", "below, above = episodes * max_steps")
)
