"""Looks for infinities only."""

from autograder.mutants import patched

HINT = "torch.isfinite finds"

patched(
    "hw2.first_nonfinite",
    ("if tensor.isfinite().all():", "if not tensor.isinf().any():"),
    ("~tensor.isfinite().transpose", "~(~tensor.isinf()).transpose"),
)
