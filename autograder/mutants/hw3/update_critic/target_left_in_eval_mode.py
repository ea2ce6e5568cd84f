"""Leaves the target network in evaluation mode."""

from autograder.mutants import patched

HINT = "changed target_training"

patched(
    "hw3.update_critic",
    (
        "    with torch.no_grad():\n        next_q",
        "    self.target_critic.eval()\n    with torch.no_grad():\n        next_q",
    ),
)
