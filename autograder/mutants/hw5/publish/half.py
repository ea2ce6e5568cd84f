"""Writes half of the content."""

from autograder.mutants import patched

HINT = "pool.to_bytes(state)"

patched(
    "hw5.publish",
    ("file.write(content)", "file.write(content[: len(content) // 2])"),
)
