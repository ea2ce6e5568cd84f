"""Takes the progress for what remains."""

from autograder.mutants import patched

HINT = "wrong way"

patched(
    "hw1.linear_schedule",
    (
        "start + min(max(progress, 0.0), 1.0) * (end - start)",
        "end + min(max(progress, 0.0), 1.0) * (start - end)",
    ),
)
