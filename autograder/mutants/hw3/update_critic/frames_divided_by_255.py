"""Divides frames by 255, which the critic does itself."""

from autograder.mutants import patched

HINT = "frames are divided by 255"

patched(
    "hw3.update_critic",
    (
        "    q_values = self.critic(obs)",
        "    q_values = self.critic(obs / 255.0 if obs.dtype == torch.uint8 else obs)",
    ),
)
