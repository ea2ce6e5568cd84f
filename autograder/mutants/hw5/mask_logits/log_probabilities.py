"""Returns log-probabilities."""

from autograder.mutants import patched

HINT = "These are log-probabilities already"

patched(
    "hw5.mask_logits",
    (
        "return torch.where(legal, logits, ILLEGAL)",
        "return torch.log_softmax(torch.where(legal, logits, ILLEGAL), dim=1)",
    ),
)
