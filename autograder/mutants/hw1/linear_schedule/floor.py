"""Falls to 0 with a floor."""

from autograder.mutants import patched

HINT = "not to 0 with a floor"

patched(
    "hw1.linear_schedule",
    (
        "start + min(max(progress, 0.0), 1.0) * (end - start)",
        "max(start * (1.0 - min(max(progress, 0.0), 1.0)), end)",
    ),
)
