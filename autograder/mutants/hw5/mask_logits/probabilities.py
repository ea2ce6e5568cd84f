"""Returns probabilities."""

from autograder.mutants import patched

HINT = "These are probabilities already"

patched(
    "hw5.mask_logits",
    (
        "return torch.where(legal, logits, ILLEGAL)",
        "return torch.softmax(torch.where(legal, logits, ILLEGAL), dim=1)",
    ),
)
