"""Takes the larger of two means."""

from autograder.mutants import patched

HINT = "every sample"

patched(
    "hw1.value_loss",
    (
        "torch.max((value - returns) ** 2, (clipped_value - returns) ** 2).mean()",
        "torch.max(((value - returns) ** 2).mean(), ((clipped_value - returns) ** 2).mean())",
    ),
)
