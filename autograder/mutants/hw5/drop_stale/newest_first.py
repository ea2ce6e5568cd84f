"""Sorts by version."""

from autograder.mutants import patched

HINT = "each list in the order given"

patched(
    "hw5.drop_stale",
    (
        "return kept, dropped",
        "kept.sort(key=lambda t: -t.version)\n    dropped.sort(key=lambda t: -t.version)\n    return kept, dropped",
    ),
)
