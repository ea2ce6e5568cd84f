"""Ends the filling when it is asked."""

from autograder.mutants import patched

HINT = "sample moves the counters"

patched(
    "hw5.should_train",
    (
        "return len(self) >= self.preload",
        "self.filling = len(self) < self.preload\n        return not self.filling",
    ),
)
