"""Adds a millionth inside the logarithm."""

from autograder.mutants import patched

HINT = "inside the logarithm"

patched("hw2.tanh_normal_log_prob", ("- log_tanh_slope(u)", "- torch.log(1 - squeezed**2 + 1e-6)"))
