"""Takes the normal density of tanh(u)."""

from autograder.mutants import patched

HINT = "before the tanh"

patched("hw1.tanh_normal_log_prob", (".log_prob(pre_tanh)", ".log_prob(pre_tanh.tanh())"))
