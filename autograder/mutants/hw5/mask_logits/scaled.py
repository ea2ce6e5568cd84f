"""Multiplies illegal logits by a large number, which their sign decides."""

from autograder.mutants import patched

HINT = "An illegal action has probability 0"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return torch.where(legal, logits, logits * -ILLEGAL)"),
)
