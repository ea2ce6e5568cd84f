"""Weighs the gradient of the log-probability by the ratio of 1."""

from autograder.mutants import patched

HINT = "lacks the ratio"

patched(
    "hw1.policy_loss",
    (
        "return -torch.min(ratio * advantage, clipped_ratio * advantage).mean()",
        (
            "flows = (ratio * advantage <= clipped_ratio * advantage).float()\n"
            "    value = torch.min(ratio * advantage, clipped_ratio * advantage).detach()\n"
            "    return -(value + flows * advantage * (log_prob - log_prob.detach())).mean()"
        ),
    ),
)
