"""With masked_fill, and the lowest number that there is."""

import torch

from gcb6206.exercises import solves


@solves("hw5.mask_logits")
def mask_logits(logits, legal):
    return logits.masked_fill(~legal, torch.finfo(logits.dtype).min)
