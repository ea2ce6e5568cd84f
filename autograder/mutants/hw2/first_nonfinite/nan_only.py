"""Looks for NaN only."""

from autograder.mutants import patched

HINT = "torch.isfinite finds"

patched(
    "hw2.first_nonfinite",
    ("if tensor.isfinite().all():", "if not tensor.isnan().any():"),
    ("~tensor.isfinite().transpose", "~(~tensor.isnan()).transpose"),
)
