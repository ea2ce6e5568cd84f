"""Takes the last of equals."""

from autograder.mutants import patched

HINT = "neither the last nor the alphabet"

patched(
    "hw2.first_nonfinite",
    (
        "return min(first_steps.items(), key=lambda item: item[1], default=None)",
        "return min(reversed(first_steps.items()), key=lambda item: item[1], default=None)",
    ),
)
