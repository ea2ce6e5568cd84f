"""Does not let a log-density fall below -1000."""

from autograder.mutants import patched

HINT = "also far below 0"

patched("hw2.tanh_normal_log_prob", (".log_prob(u)", ".log_prob(u).clamp(min=-1000.0)"))
