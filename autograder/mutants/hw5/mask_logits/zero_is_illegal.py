"""Takes every product of 0 for an illegal action, also a legal logit of 0."""

from autograder.mutants import patched

HINT = "Change nothing but the illegal ones"

patched(
    "hw5.mask_logits",
    ("torch.where(legal, logits, ILLEGAL)", "torch.where(logits * legal == 0, ILLEGAL, logits * legal)"),
)
