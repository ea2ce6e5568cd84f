"""The mean is limited to -3..3."""

from autograder.mutants import patched

HINT = "Use mean and std as they are"

patched(
    "hw2.tanh_normal_log_prob",
    ("Normal(mean, std,", "Normal(mean.clamp(-3.0, 3.0), std,"),
)
