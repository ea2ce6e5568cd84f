"""Misses minus infinity."""

from autograder.mutants import patched

HINT = "torch.isfinite finds"

patched(
    "hw2.first_nonfinite",
    ("if tensor.isfinite().all():", 'if (tensor < float("inf")).all():'),
    ("~tensor.isfinite().transpose", '~(tensor < float("inf")).transpose'),
)
