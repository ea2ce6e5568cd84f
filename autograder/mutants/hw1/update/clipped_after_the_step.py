"""Clips the gradient after the step."""

from autograder.mutants import patched

HINT = "not clipped"

patched(
    "hw1.update",
    (
        (
            "            ptu.clip_grad_norm(self.policy.parameters(), self.max_grad_norm)\n"
            "            self.optimizer.step()\n"
        ),
        (
            "            self.optimizer.step()\n"
            "            ptu.clip_grad_norm(self.policy.parameters(), self.max_grad_norm)\n"
        ),
    ),
)
