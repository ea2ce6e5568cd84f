"""Multiplies the agents' ratios: one for the team."""

from autograder.mutants import patched

HINT = "One ratio for the whole team"

patched(
    "hw4.mappo_loss",
    (
        "ratio = (log_prob - old_log_prob).exp()",
        "ratio = (log_prob - old_log_prob).sum(dim=-1, keepdim=True).exp()",
    ),
)
