"""Uses the first game's mask for all."""

from autograder.mutants import patched

HINT = "An illegal action has probability 0"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return torch.where(legal[:1], logits, ILLEGAL)"),
)
