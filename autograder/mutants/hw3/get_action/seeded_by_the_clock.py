"""Seeds the random stream with the time of day."""

from autograder.mutants import patched

HINT = "You set a seed inside"

patched(
    "hw3.get_action",
    (
        "    if np.random.random() < epsilon:",
        '    np.random.seed(__import__("time").time_ns() % 2**31)\n    if np.random.random() < epsilon:',
    ),
)
