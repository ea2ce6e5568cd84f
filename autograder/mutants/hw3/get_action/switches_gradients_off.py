"""Switches gradients off for the whole program."""

from autograder.mutants import patched

HINT = "torch.no_grad()"

patched(
    "hw3.get_action",
    ("    with torch.no_grad():\n        return", "    torch.set_grad_enabled(False)\n    return"),
)
