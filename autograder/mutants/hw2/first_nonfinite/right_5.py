"""Returns a named tuple."""

from typing import NamedTuple

import torch

from gcb6206.exercises import solves


class Place(NamedTuple):
    name: str
    step: int


@solves("hw2.first_nonfinite")
def first_nonfinite(tensors):
    places = [
        Place(name, torch.where(~tensor.isfinite())[1].min().item())
        for name, tensor in tensors.items()
        if not tensor.isfinite().all()
    ]
    return min(places, key=lambda place: place.step) if places else None
