"""Empties the dictionary of weights that it was given."""

from autograder.mutants import patched

HINT = "Compute in your own copies"

patched(
    "hw5.publish",
    (
        "        self.remove(old)\n    return True",
        "        self.remove(old)\n    state.clear()\n    return True",
    ),
)
