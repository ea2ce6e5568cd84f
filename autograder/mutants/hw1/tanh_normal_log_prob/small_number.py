"""Guards the logarithm by a small number, which is far off for large u."""

from autograder.mutants import patched

HINT = "so only the small number that you add counts"

patched("hw1.tanh_normal_log_prob", ("log_tanh_slope(pre_tanh)", "(1 - pre_tanh.tanh() ** 2 + 1e-6).log()"))
