"""At the same step, the tensor counts in which most is broken."""

from autograder.mutants import patched

HINT = "however much of it is broken"

patched(
    "hw2.first_nonfinite",
    (
        "key=lambda item: item[1]",
        "key=lambda item: (item[1], tensors[item[0]][:, item[1]].isfinite().sum() - tensors[item[0]][:, 0].numel())",
    ),
)
