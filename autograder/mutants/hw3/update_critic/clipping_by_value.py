"""Clips every entry of the gradient by itself."""

from autograder.mutants import patched

HINT = "clip_grad_norm_"

patched(
    "hw3.update_critic",
    ("parameters(), self.clip_grad_norm)", "parameters(), None)"),
    (
        "    self.critic_optimizer.step()",
        "    if self.clip_grad_norm is not None:\n"
        "        torch.nn.utils.clip_grad_value_(self.critic.parameters(), self.clip_grad_norm)\n"
        "    self.critic_optimizer.step()",
    ),
)
