"""Leaves out the stretch to the bounds."""

from autograder.mutants import patched

HINT = "stretch to the bounds is missing"

patched("hw2.tanh_normal_log_prob", (" - half_width.log()", ""))
