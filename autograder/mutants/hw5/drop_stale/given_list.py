"""Returns the given list where nothing is dropped."""

from autograder.mutants import patched

HINT = "Make two new lists"

patched(
    "hw5.drop_stale",
    ("return kept, dropped", "return (kept, dropped) if dropped else (trajectories, dropped)"),
)
