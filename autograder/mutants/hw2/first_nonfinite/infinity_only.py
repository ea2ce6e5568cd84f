"""Looks for infinities only."""

from autograder.mutants import patched

HINT = "name and the step"

patched(
    "hw2.first_nonfinite",
    ("if tensor.isfinite().all():", "if not tensor.isinf().any():"),
    ("~tensor.isfinite().transpose", "~(~tensor.isinf()).transpose"),
)
