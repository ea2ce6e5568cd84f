"""Adds up each tensor to see whether it is finite."""

from autograder.mutants import patched

HINT = "A sum of them may overflow"

patched(
    "hw2.first_nonfinite",
    ("if tensor.isfinite().all():", "if tensor.sum().isfinite():"),
    ("int(broken.nonzero()[0])", "int(broken.int().argmax())"),
)
