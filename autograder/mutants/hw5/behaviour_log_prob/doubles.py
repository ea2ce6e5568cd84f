"""Returns float64."""

from autograder.mutants import patched

HINT = "float32, as the policy gives them"

patched(
    "hw5.behaviour_log_prob",
    ("log_probs = log_probs.numpy()", "log_probs = log_probs.double().numpy()"),
)
