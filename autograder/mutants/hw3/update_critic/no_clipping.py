"""Reports the gradient's norm without ever clipping it."""

from autograder.mutants import patched

HINT = "not clipped"

patched("hw3.update_critic", ("parameters(), self.clip_grad_norm)", "parameters(), None)"))
