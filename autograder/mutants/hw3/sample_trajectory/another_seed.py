"""Resets with another seed every time."""

from autograder.mutants import patched

HINT = "without a seed"

patched(
    "hw3.sample_trajectory",
    ("env.reset()", "env.reset(seed=int(np.random.randint(2**31)))"),
)
