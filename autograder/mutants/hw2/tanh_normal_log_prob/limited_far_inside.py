"""Limits the squeezed action to 0.99."""

from autograder.mutants import patched

HINT = "too far inside"

patched(
    "hw2.tanh_normal_log_prob",
    ("squeezed.clamp(-HIGHEST_TANH, HIGHEST_TANH)", "squeezed.clamp(-0.99, 0.99)"),
)
