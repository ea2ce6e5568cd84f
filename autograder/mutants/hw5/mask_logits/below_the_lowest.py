"""Takes 200 less than the lowest logit: enough for float32 only."""

from autograder.mutants import patched

HINT = "Take a logit as low as ILLEGAL"

patched(
    "hw5.mask_logits",
    (
        "torch.where(legal, logits, ILLEGAL)",
        "torch.where(legal, logits, logits.detach().amin(dim=1, keepdim=True) - 200.0)",
    ),
)
