"""Rolls the batch, so that its end appears before its first step."""

from autograder.mutants import patched

HINT = "appears before"

patched(
    "hw4.observation_history",
    ("    begins[:, 0] = True\n", ""),
    ("torch.where(begins[..., 0], steps, 0)", "torch.where(begins[..., 0], steps, -length)"),
)
