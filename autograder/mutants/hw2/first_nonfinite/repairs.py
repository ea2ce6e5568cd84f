"""Replaces what is not finite in the tensors themselves."""

from autograder.mutants import patched

HINT = "it must only read it"

patched(
    "hw2.first_nonfinite",
    ("    return min(", "    for tensor in tensors.values():\n        tensor.nan_to_num_()\n    return min("),
)
