"""Drops the axis of a batch of one."""

from autograder.mutants import patched

HINT = "An illegal action has probability 0"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return torch.where(legal, logits, ILLEGAL).squeeze(0)"),
)
