"""Clips every entry by itself."""

from autograder.mutants import patched

HINT = "Every entry is clipped by itself"

patched(
    "hw1.update",
    (
        "            ptu.clip_grad_norm(self.policy.parameters(), self.max_grad_norm)\n",
        (
            "            torch.nn.utils.clip_grad_value_(self.policy.parameters(), "
            "self.max_grad_norm or 1e9)\n"
        ),
    ),
)
