"""A copy, changed at an index."""

from gcb6206.exercises import solves


@solves("hw5.mask_logits")
def mask_logits(logits, legal):
    result = logits.clone()
    result[~legal] = -1e8
    return result
