"""Returns the logits as they are."""

from autograder.mutants import patched

HINT = "The mask changes nothing"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return logits * 1.0"),
)
