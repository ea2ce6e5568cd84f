"""Weighs the gradient of the log-probability by 1."""

from autograder.mutants import patched

HINT = "lacks the ratio"

patched(
    "hw4.mappo_loss",
    (
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).mean()",
        (
            "flows = (ratio * gain <= clipped_ratio * gain).float()\n"
            "    value_of_it = torch.min(ratio * gain, clipped_ratio * gain).detach()\n"
            "    loss_objective = -(value_of_it + flows * gain * (log_prob - log_prob.detach())).mean()"
        ),
    ),
)
