"""Takes the smaller of two means."""

from autograder.mutants import patched

HINT = "for every sample"

patched(
    "hw1.policy_loss",
    (
        "torch.min(ratio * advantage, clipped_ratio * advantage).mean()",
        "torch.min((ratio * advantage).mean(), (clipped_ratio * advantage).mean())",
    ),
)
