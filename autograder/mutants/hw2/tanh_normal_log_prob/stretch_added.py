"""Adds the stretch."""

from autograder.mutants import patched

HINT = "stretch has the wrong sign"

patched("hw2.tanh_normal_log_prob", ("- half_width.log()", "+ half_width.log()"))
