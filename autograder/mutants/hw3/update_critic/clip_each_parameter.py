"""Clips every parameter by its own norm."""

from autograder.mutants import patched

HINT = "norm of one parameter alone"

patched(
    "hw3.update_critic",
    (
        "    grad_norm = ptu.clip_grad_norm(self.critic.parameters(), self.clip_grad_norm)\n",
        "    for parameter in self.critic.parameters():\n        grad_norm = ptu.clip_grad_norm([parameter], self.clip_grad_norm)\n",
    ),
)
