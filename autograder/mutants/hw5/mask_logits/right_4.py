"""Row by row."""

import torch

from gcb6206.exercises import solves


@solves("hw5.mask_logits")
def mask_logits(logits, legal):
    rows = [torch.where(l, row, torch.full_like(row, -1e9)) for row, l in zip(logits, legal)]
    return torch.stack(rows) if rows else logits.clone()
