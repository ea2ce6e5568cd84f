"""Takes the smallest epsilon that was ever asked for."""

from autograder.mutants import patched

HINT = "the call before is left"

patched(
    "hw3.get_action",
    (
        "    if np.random.random() < epsilon:",
        '    self.smallest = epsilon = min(epsilon, getattr(self, "smallest", 1.0))\n    if np.random.random() < epsilon:',
    ),
)
