"""Takes the whole width for the stretch."""

from autograder.mutants import patched

HINT = "half the width"

patched("hw2.tanh_normal_log_prob", ("half_width.log()", "(2 * half_width).log()"))
