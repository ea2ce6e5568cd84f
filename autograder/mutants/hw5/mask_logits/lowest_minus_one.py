"""Takes one less than the lowest legal logit."""

from autograder.mutants import patched

HINT = "An illegal action has probability 0"

patched(
    "hw5.mask_logits",
    (
        "return torch.where(legal, logits, ILLEGAL)",
        "lowest = torch.where(legal, logits, torch.inf).amin(dim=1, keepdim=True)\n    return torch.where(legal, logits, lowest - 1.0)",
    ),
)
