"""Does not ask for approx_kl in the first minibatch."""

from autograder.mutants import patched

HINT = "very first minibatch"

patched(
    "hw1.update",
    ("self.target_kl is not None and", "len(figures) > 1 and self.target_kl is not None and"),
)
