"""Changes by a constant factor."""

from autograder.mutants import patched

HINT = "exponential"

patched(
    "hw1.linear_schedule",
    (
        "start + min(max(progress, 0.0), 1.0) * (end - start)",
        "start * (max(end, 1e-9) / start) ** min(max(progress, 0.0), 1.0)",
    ),
)
