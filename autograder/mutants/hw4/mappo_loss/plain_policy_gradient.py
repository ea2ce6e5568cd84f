"""Weighs log-probabilities instead of ratios."""

from autograder.mutants import patched

HINT = "plain policy gradient"

patched(
    "hw4.mappo_loss",
    (
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).mean()",
        "loss_objective = -(log_prob * gain).mean()",
    ),
)
