"""Takes a logit that lies only just below the lowest that is allowed."""

from autograder.mutants import patched

HINT = "far below that"

patched(
    "hw5.mask_logits",
    ("torch.where(legal, logits, ILLEGAL)", "torch.where(legal, logits, -10_200.0)"),
)
