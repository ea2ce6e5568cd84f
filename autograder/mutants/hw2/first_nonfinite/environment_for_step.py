"""Takes the environment for the step."""

from autograder.mutants import patched

HINT = "This is the environment"

patched(
    "hw2.first_nonfinite",
    (
        "broken = ~tensor.isfinite().transpose(0, 1).flatten(1).all(dim=1)",
        "broken = ~tensor.isfinite().flatten(1).all(dim=1)",
    ),
)
