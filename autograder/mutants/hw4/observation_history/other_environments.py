"""Goes back along the axis of the environments."""

from autograder.mutants import patched

HINT = "other environments"

patched(
    "hw4.observation_history",
    ("observation[rows, torch.maximum(steps - age, first)]", "observation[(rows - age).clamp_min(0), steps]"),
)
