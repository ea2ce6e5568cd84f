"""Lets the alphabet decide between equals."""

from autograder.mutants import patched

HINT = "neither the last nor the alphabet"

patched(
    "hw2.first_nonfinite",
    (
        "return min(first_steps.items(), key=lambda item: item[1], default=None)",
        (
            "step, name = min(((step, name) for name, step in first_steps.items()), "
            "default=(0, None))\n"
            "    return (name, step) if name else None"
        ),
    ),
)
