"""Takes minus infinity, whose entropy is NaN."""

from autograder.mutants import patched

HINT = "Minus infinity has probability 0 too"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return torch.where(legal, logits, -torch.inf)"),
)
