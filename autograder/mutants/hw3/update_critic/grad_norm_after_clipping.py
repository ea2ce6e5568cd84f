"""Reports the norm after clipping."""

from autograder.mutants import patched

HINT = "norm after clipping"

patched(
    "hw3.update_critic",
    ("    grad_norm = ptu", "    ptu"),
    (
        "    self.critic_optimizer.step()",
        "    grad_norm = torch.nn.utils.get_total_norm([p.grad for p in self.critic.parameters()])\n"
        "    self.critic_optimizer.step()",
    ),
)
