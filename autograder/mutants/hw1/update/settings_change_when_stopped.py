"""Plans fewer epochs after an update that stopped early."""

from autograder.mutants import patched

HINT = "the settings and the samples stay"

patched(
    "hw1.update",
    ("stopped = True", "stopped, self.n_epochs = True, 1"),
)
