"""Looks at the numbers in float32, where those of float64 may be infinite."""

from autograder.mutants import patched

HINT = "In float32"

patched(
    "hw2.first_nonfinite",
    (
        "    for name, tensor in tensors.items():",
        "    for name, tensor in tensors.items():\n        tensor = tensor.float()",
    ),
)
