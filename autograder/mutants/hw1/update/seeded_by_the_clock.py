"""Seeds the random stream with the time of day."""

from autograder.mutants import patched

HINT = "You set a seed inside"

patched(
    "hw1.update",
    (
        "    self.set_learning_rate(learning_rate)",
        '    self.set_learning_rate(learning_rate)\n    np.random.seed(__import__("time").time_ns() % 2**31)',
    ),
)
