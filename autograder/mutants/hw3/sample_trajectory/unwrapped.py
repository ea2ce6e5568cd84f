"""Steps the environment below its wrappers."""

from autograder.mutants import patched

HINT = "env.unwrapped"

patched(
    "hw3.sample_trajectory",
    ("env.step(ac)", "env.unwrapped.step(ac)"),
)
