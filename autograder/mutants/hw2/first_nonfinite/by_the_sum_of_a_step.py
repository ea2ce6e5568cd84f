"""Adds up each step to see whether it is finite."""

from autograder.mutants import patched

HINT = "A sum of them may overflow"

patched(
    "hw2.first_nonfinite",
    ("if tensor.isfinite().all():", "if tensor.transpose(0, 1).flatten(1).sum(dim=1).isfinite().all():"),
    (
        "broken = ~tensor.isfinite().transpose(0, 1).flatten(1).all(dim=1)",
        "broken = ~tensor.transpose(0, 1).flatten(1).sum(dim=1).isfinite()",
    ),
)
