"""Clips at 10 where no limit is given."""

from autograder.mutants import patched

HINT = "None means no limit"

patched(
    "hw3.update_critic", ("parameters(), self.clip_grad_norm)", "parameters(), self.clip_grad_norm or 10.0)")
)
