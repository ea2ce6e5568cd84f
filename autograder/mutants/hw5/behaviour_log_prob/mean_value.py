"""Returns the mean value for all games."""

from autograder.mutants import patched

HINT = "As the policy gave them"

patched(
    "hw5.behaviour_log_prob",
    ("values.numpy()", "(0 * values + values.mean()).numpy()"),
)
