"""Returns the step alone."""

from autograder.mutants import patched

HINT = "name and the step"

patched(
    "hw2.first_nonfinite",
    (
        "return min(first_steps.items(), key=lambda item: item[1], default=None)",
        "return min(first_steps.values(), default=None)",
    ),
)
