"""Changes the logits that were given."""

from autograder.mutants import patched

HINT = "Compute in your own copies"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return logits.masked_fill_(~legal, ILLEGAL)"),
)
