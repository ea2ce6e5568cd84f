"""Looks for infinities only in tensors without NaN."""

from autograder.mutants import patched

HINT = "count alike"

patched(
    "hw2.first_nonfinite",
    (
        "broken = ~tensor.isfinite().transpose(0, 1).flatten(1).all(dim=1)",
        (
            "broken = tensor.isnan() if tensor.isnan().any() else tensor.isinf()\n"
            "        broken = broken.transpose(0, 1).flatten(1).any(dim=1)"
        ),
    ),
)
