"""Drops what was drawn twice."""

from autograder.mutants import patched

HINT = "What the buffer drew twice counts twice"

patched(
    "hw5.drop_stale",
    (
        "(kept if fresh else dropped).append(trajectory)",
        "part = kept if fresh else dropped\n        if not any(trajectory is one for one in part):\n            part.append(trajectory)",
    ),
)
