"""For a batch below 0 it names a multiple below 0."""

from autograder.mutants import patched

HINT = "The nearest positive multiple"

patched(
    "hw2.num_envs",
    (
        "nearest = below if",
        "nearest = round(frames_per_batch / max_steps) * max_steps if frames_per_batch < 0 else below if",
    ),
)
