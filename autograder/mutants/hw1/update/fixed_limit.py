"""Clips at 0.5 whatever is asked."""

from autograder.mutants import patched

HINT = "fixed at 0.5"

patched(
    "hw1.update",
    (
        "            ptu.clip_grad_norm(self.policy.parameters(), self.max_grad_norm)\n",
        "            ptu.clip_grad_norm(self.policy.parameters(), self.max_grad_norm and 0.5)\n",
    ),
)
