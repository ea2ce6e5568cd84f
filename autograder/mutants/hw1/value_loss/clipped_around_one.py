"""Clips the value as if it were a ratio."""

from autograder.mutants import patched

HINT = "from the old value"

patched(
    "hw1.value_loss",
    (
        "old_value + (value - old_value).clamp(-clip_range, clip_range)",
        "value.clamp(1 - clip_range, 1 + clip_range)",
    ),
)
