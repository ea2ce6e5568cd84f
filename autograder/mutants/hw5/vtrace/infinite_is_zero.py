"""Takes an infinite ratio for 0."""

from autograder.mutants import patched

HINT = "infinite"

patched(
    "hw5.vtrace",
    ("ratio = np.exp(log_ratio)", "ratio = np.nan_to_num(np.exp(log_ratio), posinf=0.0)"),
)
