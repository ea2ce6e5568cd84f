"""Returns the values before the log-probabilities."""

from autograder.mutants import patched

HINT = "These are the values"

patched(
    "hw5.behaviour_log_prob",
    ("return actions, taken, values.numpy()", "return actions, values.numpy(), taken"),
)
