"""Returns two arrays."""

from autograder.mutants import patched

HINT = "return actions, log_probs, values"

patched(
    "hw5.behaviour_log_prob",
    ("return actions, taken, values.numpy()", "return actions, taken"),
)
