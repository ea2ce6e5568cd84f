"""Counts log-ratios above the clip range as clipped."""

from autograder.mutants import patched

HINT = "compares the log-ratio"

patched(
    "hw1.update",
    (
        "ppo_agent.clip_fraction(log_ratio, clip_range)",
        "(log_ratio.abs() > clip_range).float().mean().item()",
    ),
)
