"""Takes the weights apart."""

from autograder.mutants import patched

HINT = "Compute in your own copies"

patched(
    "hw5.publish",
    (
        "content = pool.to_bytes(state)",
        "content = pool.to_bytes(state)\n    for value in state.values():\n        value.zero_()",
    ),
)
