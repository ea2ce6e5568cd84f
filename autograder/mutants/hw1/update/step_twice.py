"""Takes every step twice."""

from autograder.mutants import patched

HINT = "step twice"

patched(
    "hw1.update",
    (
        "            self.optimizer.step()\n",
        ("            self.optimizer.step()\n            self.optimizer.step()\n"),
    ),
)
