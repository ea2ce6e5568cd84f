"""Squeezes the actions of the batch themselves."""

from autograder.mutants import patched

HINT = "changed action"

patched(
    "hw2.tanh_normal_log_prob",
    (
        "squeezed = (action - low) / half_width - 1.0",
        "squeezed = action.sub_(low).div_(half_width).sub_(1.0)",
    ),
)
