"""Leaves out both changes of variables."""

from autograder.mutants import patched

HINT = "Both changes of variables"

patched(
    "hw2.tanh_normal_log_prob",
    (" - log_tanh_slope(u)", ""),
    (" - half_width.log()", ""),
)
