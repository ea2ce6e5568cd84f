"""Sets a seed."""

from autograder.mutants import patched

HINT = "Compute in your own copies"

patched(
    "hw5.behaviour_log_prob",
    ("with torch.no_grad():", "np.random.seed(0)\n    with torch.no_grad():"),
)
