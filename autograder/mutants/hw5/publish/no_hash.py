"""Leaves the hash out."""

from autograder.mutants import patched

HINT = "pool.to_bytes(state)"

patched(
    "hw5.publish",
    ("content = pool.to_bytes(state)", 'content = pool.to_bytes(state).partition(b"\\n")[2]'),
)
