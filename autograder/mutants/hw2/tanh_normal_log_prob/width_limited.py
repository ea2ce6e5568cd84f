"""Does not let the width fall below a hundredth."""

from autograder.mutants import patched

HINT = "Use the bounds as they are"

patched("hw2.tanh_normal_log_prob", ("- half_width.log()", "- half_width.clamp(min=0.005).log()"))
