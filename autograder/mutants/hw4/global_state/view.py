"""Joins the axes in place, which only some tensors allow."""

from autograder.mutants import patched

HINT = "view fails"

patched(
    "hw4.global_state",
    ("observation.flatten(-2)", "observation.view(*observation.shape[:-2], -1)"),
)
