"""Takes the action for tanh(u)."""

from autograder.mutants import patched

HINT = "taken as it is"

patched("hw2.tanh_normal_log_prob", ("squeezed = (action - low) / half_width - 1.0", "squeezed = action"))
