"""Forgets the square in the change of variables."""

from autograder.mutants import patched

HINT = "must be squared"

patched("hw1.tanh_normal_log_prob", ("log_tanh_slope(pre_tanh)", "(1 - pre_tanh.tanh().abs()).log()"))
