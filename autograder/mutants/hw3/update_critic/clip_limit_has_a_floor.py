"""Clips at 0.1 where less is asked for."""

from autograder.mutants import patched

HINT = "Clipped at 0.1"

patched(
    "hw3.update_critic",
    (
        "parameters(), self.clip_grad_norm)",
        "parameters(), self.clip_grad_norm and max(0.1, self.clip_grad_norm))",
    ),
)
