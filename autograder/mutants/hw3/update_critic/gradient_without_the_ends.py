"""Cuts the gradient of terminal transitions."""

from autograder.mutants import patched

HINT = "terminal ones included"

patched(
    "hw3.update_critic",
    (
        "    loss = self",
        "    q_values = torch.where(done.bool(), q_values.detach(), q_values)\n    loss = self",
    ),
)
